import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { obstacleSchema } from '../../workload/obstacle.ts'

const packageSchema = z.object({ name: z.string(), version: z.string(), architecture: z.string() })

const copiedSchema = z.object({
  path: z.string(),
  /** Not everybody on the host may read it. */
  secret: z.boolean(),
})
export type Copied = z.infer<typeof copiedSchema>

/** What was read of a host, to make a machine like it; the files themselves are beside it, in `filesName`. */
export const likenessSchema = z.object({
  schema: z.literal('kernelswap.likeness/1'),
  /** As it was named on the command line. */
  host: z.string(),
  kernels: z.object({
    running: z.string(),
    /** The newest installed one that isn't running; null where there is no other. */
    newest: z.string().nullable(),
    /** The one to swap to instead, which the host may not have. */
    asked: z.string().optional(),
  }),
  packages: z.array(packageSchema),
  /** Lines of passwd(5) and group(5), without passwords. */
  accounts: z.object({ users: z.array(z.string()), groups: z.array(z.string()) }),
  units: z.array(
    z.object({
      name: z.string(),
      /** The package that brings its unit file; null where none does. */
      package: z.string().nullable(),
    }),
  ),
  /** What the host's own plan says stands in the way there, of the host and of units, and adopting doesn't cure. */
  obstacles: z.object({
    host: z.array(obstacleSchema),
    units: z.array(obstacleSchema.extend({ unit: z.string() })),
  }),
  files: z.array(copiedSchema),
  /** Directories that were copied as a whole: nothing else is to be in them. */
  folders: z.array(z.string()),
  /** What could not be copied, and why. */
  notes: z.array(z.string()),
})
export type Likeness = z.infer<typeof likenessSchema>

/** The archive of files, beside `likeness.json`. */
export const filesName = 'files.tar'
const likenessName = 'likeness.json'

export async function saveLikeness(likeness: Likeness, folder: string): Promise<void> {
  await writeFile(join(folder, likenessName), `${JSON.stringify(likeness, null, 2)}\n`, { mode: 0o600 })
}

export async function loadLikeness(folder: string): Promise<Likeness> {
  return likenessSchema.parse(JSON.parse(await readFile(join(folder, likenessName), 'utf8')))
}

/**
 * A short hash of all that makes the machine: the same host, unchanged, has the same while Debian's archive gives it the
 * same packages. The host's own obstacles don't
 * make it, and tell of numbers that never stand still, such as free space.
 * @param packages files to install
 */
export async function hashOfLikeness(
  { obstacles: _, ...likeness }: Likeness,
  packages: readonly string[],
  archive: string,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([likeness, packages]))
  for await (const chunk of createReadStream(archive)) hash.update(chunk)
  return hash.digest('hex').slice(0, 16)
}

/** Paths of copied secrets. */
export function secretsOf({ files }: Likeness): string[] {
  return files.filter(({ secret }) => secret).map(({ path }) => path)
}
