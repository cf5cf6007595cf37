import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ifMissing } from '../errors.ts'
import { type CheckpointFile, checkpointFile } from '../layout.ts'
import { cksum } from '../tools/checksum.ts'

/** Name of a checkpoint's manifest, within the checkpoint. */
export const manifestName = 'manifest' satisfies CheckpointFile

/**
 * Lists every file of a checkpoint with its checksum and size (cksum(1)): the landing refuses what doesn't match
 * (landing/static/check-seal). Logs are left out, they grow. Written last, when everything else is in place; the seal
 * brings it to disk with all the rest.
 * @param known lines of files that were summed up before, by `sumFiles`
 */
export async function writeManifest(checkpoint: string, known = ''): Promise<void> {
  const listed = new Set(namesIn(known))
  const names = (await filesBelow(checkpoint)).filter((name) => name !== manifestName && !listed.has(name))
  const lines = known + (await cksum(checkpoint, names))
  await writeFile(checkpointFile(checkpoint, manifestName), lines, { mode: 0o600 })
}

/** The manifest's lines for the files of one directory of a checkpoint. */
export async function sumFiles(checkpoint: string, directory: string): Promise<string> {
  const names = await filesBelow(join(checkpoint, directory))
  return cksum(
    checkpoint,
    names.map((name) => join(directory, name)),
  )
}

/** Names of the files that a checkpoint's manifest lists. */
export async function manifestNames(checkpoint: string): Promise<string[]> {
  return namesIn(await readFile(checkpointFile(checkpoint, manifestName), 'utf8'))
}

/** What the landing's check found wrong first, or ''. */
export async function sealComplaint(checkpoint: string): Promise<string> {
  const log = await readFile(checkpointFile(checkpoint, 'seal.log'), 'utf8').catch(ifMissing(''))
  return log.split('\n')[0]!
}

/** Checksum and size come before the name, each with a blank after it. */
function namesIn(lines: string): string[] {
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ').slice(2).join(' '))
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.log'))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}
