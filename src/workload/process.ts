import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { ifMissing, isErrno } from '../errors.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'

/** One open descriptor of a process. */
export interface OpenFile {
  readonly fd: number
  /** As /proc/PID/fd shows it: a path, or `socket:[123]`. */
  readonly target: string
  /** Inode of the socket behind it, where it is one. */
  readonly socket: number | undefined
  readonly mountId: number
  readonly inode: number
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
  /** Paths of mapped files. */
  readonly mapped: readonly string[]
  /** Anonymous and shared memory, counted once among those who share it. */
  readonly memoryBytes: number
  readonly uid: number
}

/** Reads a process, or nothing where it has ended meanwhile. */
export async function readProcess(pid: number): Promise<Process | undefined> {
  try {
    const [status, cgroup, mountinfo, maps, rollup] = await Promise.all(
      ['status', 'cgroup', 'mountinfo', 'maps', 'smaps_rollup'].map((file) =>
        readFile(`/proc/${pid}/${file}`, 'utf8'),
      ),
    )
    return {
      pid,
      parent: Number(field(status!, 'PPid')),
      uid: Number(field(status!, 'Uid').split(/\s/)[0]),
      cgroup: cgroup!.trim().replace(/^0::/, ''),
      files: await readFiles(pid),
      // After its files, which a process that ends loses one by one: this tells the two apart.
      namespaces: await readNamespaces(pid),
      mounts: parseMountinfo(mountinfo!),
      mapped: mappedPaths(maps!),
      memoryBytes: (kilobytes(rollup!, 'Pss_Anon') + kilobytes(rollup!, 'Pss_Shmem')) * 1024,
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

/** The namespaces of a process, by kind (namespaces(7)). */
export async function readNamespaces(pid: number | 'self'): Promise<Record<string, string>> {
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
  const links = await Promise.all(kinds.map((kind) => readlink(`/proc/${pid}/ns/${kind}`)))
  return Object.fromEntries(kinds.map((kind, index) => [kind, links[index]!]))
}

async function readFiles(pid: number): Promise<OpenFile[]> {
  const fds = (await readdir(`/proc/${pid}/fd`)).map(Number).sort((a, b) => a - b)
  const files = await Promise.all(fds.map((fd) => readOpenFile(pid, fd).catch(ifMissing(undefined))))
  return files.filter((file) => file !== undefined)
}

/** @throws ENOENT for a descriptor that was closed meanwhile. */
async function readOpenFile(pid: number, fd: number): Promise<OpenFile> {
  const [target, info, kind] = await Promise.all([
    readlink(`/proc/${pid}/fd/${fd}`),
    readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8'),
    kindOf(`/proc/${pid}/fd/${fd}`),
  ])
  const socket = /^socket:\[(\d+)\]$/.exec(target)?.[1]
  return {
    fd,
    target,
    socket: socket === undefined ? undefined : Number(socket),
    mountId: Number(field(info, 'mnt_id')),
    inode: Number(field(info, 'ino')),
    kind: target.startsWith('/') && !target.startsWith('/memfd:') ? kind : 'other',
  }
}

async function kindOf(path: string): Promise<OpenFile['kind']> {
  const file = await stat(path)
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
