import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { ifEnded, isErrno } from '../errors.ts'
import { unifiedGroup } from '../proc/cgroup.ts'
import { type Descriptor, readDescriptors, readTargets, socketInode } from '../proc/descriptors.ts'
import { ProcDirectory } from '../proc/directory.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'

/** One open descriptor of a process. */
export interface OpenFile extends Pick<Descriptor, 'fd' | 'target' | 'mountId' | 'inode'> {
  /** Inode of the socket behind it, where it is one. */
  readonly socket: number | undefined
  readonly kind: 'file' | 'null' | 'other'
}

/** What a swap needs to know of a process; everything comes from /proc. */
export interface Process {
  readonly pid: number
  readonly parent: number
  /** `user:[4026531837]` and so on, by kind. */
  readonly namespaces: Readonly<Record<string, string>>
  readonly cgroup: string
  readonly files: readonly OpenFile[]
  readonly mounts: readonly Mount[]
  /** How many areas of memory it has. */
  readonly areas: number
  /** Paths of mapped files. */
  readonly mapped: readonly string[]
  readonly uid: number
}

/** Where in file systems a process is at work. */
export interface FileUse {
  readonly pid: number
  /** Its directory and what it has open, as /proc shows them; whatever has a path begins with `/`. */
  readonly open: readonly string[]
  /** Inodes of its sockets. */
  readonly sockets: readonly number[]
  /** Paths of mapped files. */
  readonly mapped: readonly string[]
  readonly mounts: readonly Mount[]
}

/**
 * Reads processes. The mounts that several of them see are read once: a line for each mount of each process would be most
 * of the work. Reads are synchronous: one of /proc takes microseconds, the way through Node's thread pool ten times as long.
 */
export class ProcessReader {
  readonly #mounts = new Map<string, readonly Mount[]>()

  /** A process, or nothing where it has ended meanwhile. */
  read(pid: number): Process | undefined {
    try {
      const [status, cgroup, maps] = ['status', 'cgroup', 'maps'].map((file) => text(pid, file))
      const files = readFiles(pid)
      // After its files, which a process that ends loses one by one: this tells the two apart.
      const namespaces = readNamespaces(pid)
      return {
        pid,
        parent: Number(field(status!, 'PPid')),
        uid: Number(field(status!, 'Uid').split(/\s/)[0]),
        cgroup: unifiedGroup(cgroup!),
        files,
        namespaces,
        mounts: this.#mountsOf(pid, namespaces.mnt!),
        areas: maps!.split('\n').length - 1,
        mapped: mappedPaths(maps!),
      }
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
      throw error
    }
  }

  /**
   * The same of what it does with files. The files themselves aren't looked at: while services stand still, one of them may
   * be whose file system it is (fuse(4)), and never answer.
   */
  readUse(pid: number): FileUse | undefined {
    try {
      const targets = readTargets(pid)
      return {
        pid,
        open: [readlinkSync(`/proc/${pid}/cwd`), ...targets],
        sockets: targets.flatMap((target) => socketInode(target) ?? []),
        mapped: mappedPaths(text(pid, 'maps')),
        mounts: this.#mountsOf(pid, readlinkSync(`/proc/${pid}/ns/mnt`)),
      }
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
      throw error
    }
  }

  /** Mounts of the whole namespace: a task that has changed its root sees those below it alone (proc_pid_mountinfo(5)). */
  #mountsOf(pid: number, namespace: string): readonly Mount[] {
    const known = this.#mounts.get(namespace)
    if (known) return known
    const seesAll = isAtRoot(pid) ? pid : (neighboursOf(namespace).find(isAtRoot) ?? pid)
    const mounts = parseMountinfo(text(seesAll, 'mountinfo'))
    this.#mounts.set(namespace, mounts)
    return mounts
  }
}

function isAtRoot(pid: number): boolean {
  return linkOf(`/proc/${pid}/root`) === '/'
}

/** PIDs of all processes of a mount namespace, as far as we may see who is in it. */
function neighboursOf(namespace: string): number[] {
  const isIn = (name: string) => {
    try {
      return linkOf(`/proc/${name}/ns/mnt`) === namespace
    } catch (error) {
      if (isErrno(error, 'EACCES')) return false
      throw error
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isIn(name))
    .map(Number)
}

/**
 * Anonymous and shared memory of a process in bytes, counted once among those who share it; 0 for one that has ended.
 * The kernel walks all its page tables for it, so this is asked only where it is wanted.
 */
export function memoryOfProcess(pid: number): number {
  try {
    const rollup = text(pid, 'smaps_rollup')
    return (kilobytes(rollup, 'Pss_Anon') + kilobytes(rollup, 'Pss_Shmem')) * 1024
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return 0
    throw error
  }
}

/** True where one of them has a descriptor of io_uring_setup(2). */
export function useIoUring(processes: readonly Pick<Process, 'files'>[]): boolean {
  return processes.some(({ files }) => files.some(({ target }) => target === 'anon_inode:[io_uring]'))
}

/** The namespaces of a process, by kind (namespaces(7)). */
export function readNamespaces(pid: number | 'self'): Record<string, string> {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
  return Object.fromEntries(kinds.map((kind) => [kind, readlinkSync(`/proc/${pid}/ns/${kind}`)]))
}

function text(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}

function readFiles(pid: number): OpenFile[] {
  return readDescriptors(new ProcDirectory(`/proc/${pid}`)).flatMap(({ fd, target, mountId, inode }) => {
    try {
      const kind = hasPath(target) ? kindOf(`/proc/${pid}/fd/${fd}`) : 'other'
      return [{ fd, target, mountId, inode, socket: socketInode(target), kind }]
    } catch (error) {
      return ifEnded([])(error)
    }
  })
}

/** Where a link of /proc leads; undefined where what it is of has ended. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function hasPath(target: string): boolean {
  return target.startsWith('/') && !target.startsWith('/memfd:')
}

function kindOf(path: string): OpenFile['kind'] {
  const file = statSync(path)
  // /dev/null is character device 1:3 (null(4)), whatever name a mount gives it.
  if (file.isCharacterDevice() && file.rdev === 0x103) return 'null'
  return file.isFile() || file.isDirectory() || file.isCharacterDevice() ? 'file' : 'other'
}

function field(text: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? ''
}

function kilobytes(text: string, name: string): number {
  return Number.parseInt(field(text, name) || '0', 10)
}

function mappedPaths(maps: string): string[] {
  const paths = maps.split('\n').map((line) => line.split(/\s+/).slice(5).join(' '))
  return [...new Set(paths.filter((path) => path.startsWith('/')))]
}
