import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { isMask } from '../files.ts'
import { refuseLoose } from '../ownership.ts'
import { readRegularFile } from '../regular-file.ts'

/** Settings of some thousand units. */
const mostBytes = 1 << 20

/** A file of the configuration. */
export interface DropIn {
  readonly file: string
  readonly text: string
}

/**
 * Reads every drop-in, `*.toml` sorted by file name. A file hides those of the same name in weaker directories (the
 * earlier ones), a link to /dev/null hides them altogether.
 * @throws Failure 'configuration' for a file that can't be read, or that others than root may change: it says what a
 *   swap does, and names commands that run as root.
 */
export async function readDropIns(directories: readonly string[]): Promise<DropIn[]> {
  const dropIns: DropIn[] = []
  for (const file of await findDropIns(directories)) {
    refuseLoose(file)
    dropIns.push({ file, text: await read(file) })
  }
  return dropIns
}

async function findDropIns(directories: readonly string[]): Promise<string[]> {
  const files = new Map<string, string>()
  for (const directory of directories) {
    for (const name of await namesIn(directory))
      if (name.endsWith('.toml')) files.set(name, join(directory, name))
  }
  const sorted = [...files.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)
  const masked = await Promise.all(sorted.map(isMask))
  return sorted.filter((_, index) => !masked[index])
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    const why = isErrno(error, 'ENOTDIR') ? 'it is no directory' : messageOf(error)
    throw unreadable(directory, why, error)
  }
}

async function read(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readRegularFile(file, mostBytes))
  } catch (error) {
    // What the decoder says is a TypeError with a code of Node's own (ERR_ENCODING_INVALID_ENCODED_DATA).
    if (error instanceof TypeError) throw unreadable(file, 'it is not UTF-8, as TOML is', error)
    throw unreadable(file, messageOf(error), error)
  }
}

function unreadable(file: string, why: string, cause: unknown): Failure {
  return new Failure('configuration', `${file} can't be read: ${why}; correct or remove it.`, { cause })
}
