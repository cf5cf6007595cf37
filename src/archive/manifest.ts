import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../durable.ts'
import { run } from '../host/local.ts'

/** Name of a checkpoint's manifest, within the checkpoint. */
export const manifestName = 'manifest'

/**
 * Lists every file of a checkpoint with its SHA-256, as `sha256sum --check` reads it (sha256sum(1)): the landing
 * refuses what doesn't match. Logs are left out, they grow. Written last, when everything else is in place.
 * The files have just been written: this reads the page cache, not the disk.
 * @param known lines of files that were hashed before, by `hashFiles`
 */
export async function writeManifest(checkpoint: string, known = ''): Promise<void> {
  const listed = new Set(known.split('\n').map(nameOf))
  const names = (await filesBelow(checkpoint)).filter((name) => name !== manifestName && !listed.has(name))
  await writeDurably(join(checkpoint, manifestName), known + (await hash(checkpoint, names)))
}

/** The manifest's lines for the files of one directory of a checkpoint. A program of its own hashes, on a core of its own. */
export async function hashFiles(checkpoint: string, directory: string): Promise<string> {
  const names = await filesBelow(join(checkpoint, directory))
  return hash(
    checkpoint,
    names.map((name) => join(directory, name)),
  )
}

/** What a checkpoint's manifest lists. */
export async function manifestLines(checkpoint: string): Promise<{ name: string; sha256: string }[]> {
  const text = await readFile(join(checkpoint, manifestName), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ name: nameOf(line), sha256: line.slice(0, 64) }))
}

async function hash(checkpoint: string, names: readonly string[]): Promise<string> {
  if (names.length === 0) return ''
  return (await run('sha256sum', ['--', ...names], { cwd: checkpoint })).stdout
}

/** 64 digits and two blanks come before the name. */
function nameOf(line: string): string {
  return line.slice(66)
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.log'))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}
