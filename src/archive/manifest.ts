import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeDurably } from '../durable.ts'

/** Name of a checkpoint's manifest, within the checkpoint. */
export const manifestName = 'manifest'

/**
 * Lists every file of a checkpoint with its SHA-256, as `sha256sum --check` reads it (sha256sum(1)): the landing
 * refuses what doesn't match. Logs are left out, they grow. Written last, when everything else is in place.
 * The files have just been written: this reads the page cache, not the disk.
 */
export async function writeManifest(checkpoint: string): Promise<void> {
  const names = (await readdir(checkpoint, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.log') && entry.name !== manifestName)
    .map((entry) => join(entry.parentPath, entry.name).slice(checkpoint.length + 1))
    .sort()
  const lines = await Promise.all(
    names.map(async (name) => `${await digest(join(checkpoint, name))}  ${name}\n`),
  )
  await writeDurably(join(checkpoint, manifestName), lines.join(''))
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
