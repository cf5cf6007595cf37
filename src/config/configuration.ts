import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { Failure, ifMissing } from '../errors.ts'
import { paths } from '../paths.ts'

/** What a swap does with a workload. */
export const policySchema = z.enum(['preserve', 'restart', 'ignore'])

/** What becomes of a unit that the landing could not restore: it starts cold, all go back to the old kernel, or all wait. */
export const onRestoreFailureSchema = z.enum(['cold', 'back', 'stop'])
export type OnRestoreFailure = z.infer<typeof onRestoreFailureSchema>
/** What becomes of a restored unit that verification finds damaged. */
export const onVerifyFailureSchema = z.enum(['keep', 'back', 'cold'])

const unitSchema = z.strictObject({
  policy: policySchema.optional(),
  'on-restore-failure': onRestoreFailureSchema.optional(),
  'on-verify-failure': onVerifyFailureSchema.optional(),
  /** ABI facets that may differ, each with the reason why that is no harm. */
  tolerate: z.record(z.string(), z.string().min(1)).optional(),
})

const configurationSchema = z.strictObject({
  /** Swaps whose checkpoints stay on disk, where they may still be of use. */
  keep: z.int().min(0),
  /** What boots the machine after a panic: its own boot loader, or something that is known to start a good kernel. */
  fallback: z.enum(['boot-loader', 'external']),
  /** The hardware watchdog resets a new kernel that is silent for this long; 0 leaves it alone. */
  'watchdog-seconds': z.int().min(0).max(3600),
  /** Settings by unit name: `[unit."redis-server.service"]`. */
  unit: z.record(z.string(), unitSchema),
})
export type Configuration = z.infer<typeof configurationSchema>

const defaults: Configuration = { keep: 2, fallback: 'boot-loader', 'watchdog-seconds': 240, unit: {} }

/** One file may leave out anything. */
const dropInSchema = configurationSchema.partial()

/**
 * Reads every drop-in, `*.toml` sorted by file name. A file hides those of the same name in weaker directories, a
 * link to /dev/null hides them altogether; of two values for one setting the later file's counts.
 * @throws Failure 'configuration' naming the file, and what was expected.
 */
export async function loadConfiguration(
  directories: readonly string[] = paths.configuration,
): Promise<Configuration> {
  let merged: z.infer<typeof dropInSchema> = defaults
  for (const file of await dropIns(directories)) {
    const dropIn = await readDropIn(file)
    const unit = { ...merged.unit }
    for (const [name, settings] of Object.entries(dropIn.unit ?? {}))
      unit[name] = { ...unit[name], ...settings }
    merged = { ...merged, ...dropIn, unit }
  }
  return configurationSchema.parse(merged)
}

async function dropIns(directories: readonly string[]): Promise<string[]> {
  const files = new Map<string, string>()
  for (const directory of directories) {
    for (const name of await list(directory))
      if (name.endsWith('.toml')) files.set(name, join(directory, name))
  }
  const sorted = [...files.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)
  const masked = await Promise.all(sorted.map(isMask))
  return sorted.filter((_, index) => !masked[index])
}

async function list(directory: string): Promise<string[]> {
  return readdir(directory).catch(ifMissing<string[]>([]))
}

async function isMask(file: string): Promise<boolean> {
  return (await readlink(file).catch(() => '')) === '/dev/null'
}

async function readDropIn(file: string): Promise<z.infer<typeof dropInSchema>> {
  await refuseIfOthersMayWrite(file)
  try {
    return dropInSchema.parse(parse(await readFile(file, 'utf8')))
  } catch (error) {
    throw new Failure('configuration', `${file}${complaint(error)}; correct the file.`, { cause: error })
  }
}

function complaint(error: unknown): string {
  if (error instanceof TomlError) return `:${error.line}: not valid TOML`
  if (!(error instanceof z.ZodError)) throw error
  const issue = error.issues[0]!
  const key = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path
  return `: ${key.join('.')}: ${issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message}`
}

async function refuseIfOthersMayWrite(file: string): Promise<void> {
  const { uid, mode } = await stat(file)
  if (uid === 0 && (mode & 0o022) === 0) return
  throw new Failure(
    'configuration',
    `${file} may be written by others than root; chown root and chmod go-w it.`,
  )
}
