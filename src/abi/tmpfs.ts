import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import type { TaskReader } from './readers.ts'
import { Unreadable } from './types.ts'

/** What is compared of a file; its inode and change time are new on a new tmpfs. */
export type FileFacts = {
  readonly type: string
  readonly mode: string
  readonly owner: string
  /** Bytes of a regular file, where a symbolic link points. */
  readonly content: string
  /** Modification time in seconds, of regular files only. */
  readonly modified: number
}

/** More than this takes longer than a freeze may last. */
const MOST_FILES = 20_000
/** Larger files are compared by size and time. */
const MOST_BYTES = 16 * 1024 * 1024

/** Files of the tmpfs mounts that this task's mount namespace has and the host's hasn't, by path. */
export function tmpfsFiles(task: TaskReader): Readonly<Record<string, FileFacts>> {
  if (!task.workload.isFirstInOwn('mnt', task)) return {}
  const hosts = new Set(task.workload.host.mounts.map(({ device, root }) => `${device} ${root}`))
  const files: Record<string, FileFacts> = {}
  for (const { type, device, root, target, options } of task.mounts) {
    // A read-only one holds nothing of the workload's: systemd hides paths behind such mounts (InaccessiblePaths=).
    if (type !== 'tmpfs' || options.includes('ro') || hosts.has(`${device} ${root}`)) continue
    const path = `${task.proc.path}/root${target}`
    const stat = lstatSync(path)
    collect(files, target, path, stat, stat.dev, task.workload.strict)
  }
  return files
}

function collect(
  files: Record<string, FileFacts>,
  name: string,
  path: string,
  stat: Stats,
  device: number,
  strict: boolean,
): void {
  // Another file system is mounted here; it is a mount of its own.
  if (stat.dev !== device) return
  if (Object.keys(files).length >= MOST_FILES) throw new Unreadable(`more than ${MOST_FILES} files`)
  files[name] = factsOf(path, stat, strict)
  if (!stat.isDirectory()) return
  for (const entry of readdirSync(path)) {
    const inner = `${path}/${entry}`
    collect(files, `${name}/${entry}`, inner, lstatSync(inner), device, strict)
  }
}

function factsOf(path: string, stat: Stats, strict: boolean): FileFacts {
  return {
    type: typeOf(stat),
    mode: (stat.mode & 0o7777).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    content: contentOf(path, stat, strict),
    modified: stat.isFile() ? Math.floor(stat.mtimeMs / 1000) : 0,
  }
}

function typeOf(stat: Stats): string {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'link'
  if (stat.isSocket()) return 'socket'
  return stat.isFIFO() ? 'fifo' : `device ${stat.rdev}`
}

function contentOf(path: string, stat: Stats, strict: boolean): string {
  if (stat.isSymbolicLink()) return readlinkSync(path)
  if (!stat.isFile()) return ''
  if (!strict || stat.size > MOST_BYTES) return `${stat.size} bytes`
  return `${stat.size} bytes ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)}`
}
