import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { Failure } from './errors.ts'

/** Links on one way that the kernel follows (path_resolution(7)). */
const mostLinks = 40

/**
 * Why others than root could change what a path names, in a phrase with the remedy; undefined where nobody could. All that
 * the kernel goes through counts (path_resolution(7)): each directory from the root on, each link, and what it leads to,
 * as far as it is there. Without root we are our own root.
 */
export function looseness(path: string): string | undefined {
  const ahead = namesIn(path)
  let links = 0
  for (let at = '/'; ; at = join(at, ahead.shift()!)) {
    const found = lstatSync(at, { throwIfNoEntry: false })
    if (found === undefined) return undefined
    const loose = loosenessOf(at, found, ahead.length === 0)
    if (loose !== undefined) return loose
    if (found.isSymbolicLink()) {
      links += 1
      const target = readlinkSync(at)
      ahead.unshift(...namesIn(target))
      at = isAbsolute(target) ? '/' : dirname(at)
    }
    if (ahead.length === 0 || links > mostLinks) return undefined
  }
}

function namesIn(path: string): string[] {
  return path.split('/').filter(Boolean)
}

function loosenessOf(path: string, found: Stats, isLast: boolean): string | undefined {
  if (found.uid !== 0 && found.uid !== process.geteuid?.())
    return `${path} belongs to user ${found.uid}, and must belong to root; chown root it`
  if (found.isSymbolicLink() || (found.mode & 0o022) === 0) return undefined
  // In a directory with the sticky bit, such as /tmp, nobody can replace what isn't theirs (unlink(2)).
  if (!isLast && (found.mode & 0o1000) !== 0) return undefined
  return `${path} can be written by others than root; chmod go-w it`
}

/**
 * Refuses a file or directory that others than root could change: what root reads decides what root runs.
 * @throws Failure 'configuration'.
 */
export function refuseLoose(path: string): void {
  const loose = looseness(path)
  if (loose !== undefined)
    throw new Failure('configuration', `Others could have a say in what root does: ${loose}.`)
}

/** The same of a directory, where there is one, and of everything right in it. */
export function refuseLooseIn(directory: string): void {
  refuseLoose(directory)
  const isDirectory = lstatSync(`${directory}/`, { throwIfNoEntry: false }) !== undefined
  if (isDirectory) for (const name of readdirSync(directory)) refuseLoose(join(directory, name))
}
