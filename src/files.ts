import { lstat, readlink } from 'node:fs/promises'
import { isErrno } from './errors.ts'

/** True where something of this name is, be it a link that leads nowhere. @throws what keeps us from knowing. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(() => true, absent)
}

/** True for a link to /dev/null, which takes a file of that name out of force. @throws what keeps us from knowing. */
export async function isMask(path: string): Promise<boolean> {
  try {
    return (await readlink(path)) === '/dev/null'
  } catch (error) {
    // What is no link is no mask (readlink(2)).
    return isErrno(error, 'EINVAL') ? false : absent(error)
  }
}

function absent(error: unknown): false {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
  throw error
}
