import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../errors.ts'

/**
 * Why a hook may not be run, if it may not: it runs as root, so nobody but root may be able to change it, or to
 * put another in its place. The file and every directory from it up to hooks.d must belong to the owner and be
 * writable by no one else; for a link, the same holds where it leads, up to the root directory.
 */
export async function refusal(path: string, root: string, owner: number): Promise<string | undefined> {
  try {
    const target = await realpath(path)
    const base = await realpath(root)
    const file = await stat(target)
    if (!file.isFile()) return `${path} is no file`
    for (const checked of [target, ...directoriesAbove(target, base), ...directoriesAbove(path, root)]) {
      const loose = looseness(checked, await stat(checked), owner)
      if (loose !== undefined) return loose
    }
    return (file.mode & 0o111) === 0 ? `${path} is not executable; chmod +x it, or mask it` : undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Directories from the file's own up to the base, or up to / where the file lies elsewhere. */
function directoriesAbove(path: string, base: string): readonly string[] {
  const directories: string[] = []
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    directories.push(directory)
    if (directory === base || directory === '/') return directories
  }
}

function looseness(path: string, { uid, mode }: Stats, owner: number): string | undefined {
  if (uid !== owner)
    return `${path} belongs to user ${uid}; it must belong to ${owner === 0 ? 'root' : owner}`
  return (mode & 0o022) === 0 ? undefined : `${path} can be written by others; chmod go-w it`
}
