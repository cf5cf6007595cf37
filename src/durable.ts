import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file so that after a power cut it is there whole or not at all: a temporary file, fsync, rename, and fsync
 * of the directory. Its mode is as asked for, whatever the umask.
 */
export async function writeDurably(path: string, content: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.new`
  // Nothing that lies there already is followed, or written into.
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', mode)
  try {
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** Makes a directory and those above it, as far as they are missing, with this mode whatever the umask. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode })
  for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made))
    await chmod(made, mode)
}

/** Brings a directory's entries to disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
