import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { Failure, ifMissing } from '../errors.ts'
import { paths } from '../paths.ts'

export const policySchema = z.enum(['preserve', 'restart', 'ignore'])
/** What a swap does with a workload. */
export type Policy = z.infer<typeof policySchema>

const configurationSchema = z.strictObject({
  /** Settings by unit name: `[unit."redis-server.service"]`. */
  unit: z.record(z.string(), z.strictObject({ policy: policySchema.optional() })).default({}),
})
export type Configuration = z.infer<typeof configurationSchema>

/**
 * Reads every drop-in, `*.toml` sorted by file name. A file hides those of the same name in weaker directories, a
 * link to /dev/null hides them altogether; of two values for one setting the later file's counts.
 * @throws Failure 'configuration' naming the file, and what was expected.
 */
export async function loadConfiguration(
  directories: readonly string[] = paths.configuration,
): Promise<Configuration> {
  const merged: Configuration = { unit: {} }
  for (const file of await dropIns(directories)) {
    const { unit } = await readDropIn(file)
    for (const [name, settings] of Object.entries(unit)) {
      merged.unit[name] = { ...merged.unit[name], ...settings }
    }
  }
  return merged
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

async function readDropIn(file: string): Promise<Configuration> {
  await refuseIfOthersMayWrite(file)
  try {
    return configurationSchema.parse(parse(await readFile(file, 'utf8')))
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
