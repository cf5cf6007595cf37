import { join, relative } from 'node:path'
import { type Mount, mountOf } from '../proc/mountinfo.ts'
import type { Process } from './process.ts'
import type { Service, Surroundings } from './service.ts'

/** A service's files that a boot loses: to be archived at the freeze and put back before the restore. */
export interface TmpfsFiles {
  /** Paths on the host's own tmpfs: files, or directories with all they hold. */
  readonly host: readonly string[]
  /** Mount points inside the service's room (PrivateTmp=, TemporaryFileSystem=) with all they hold. */
  readonly private: readonly string[]
}

/** Directories of the platform on tmpfs: a service's file in them is not the service's to bring back. */
const platformDirectories = [
  '/run/systemd',
  '/run/udev',
  '/run/dbus',
  '/run/credentials',
  '/run/user',
  '/run/lock',
]

/**
 * Finds what a service keeps on tmpfs: its runtime directories, its PID file, and whatever its processes hold open,
 * map or listen on; of /run, the whole top directory that such a file lies in.
 */
export function tmpfsFiles(service: Service, surroundings: Surroundings): TmpfsFiles {
  const named = [
    ...words(service.properties.RuntimeDirectory).map((name) => join('/run', name)),
    ...words(service.properties.PIDFile).map(inRun),
  ]
  const used = service.processes.flatMap((process) =>
    usedPaths(process, surroundings).map((path) => hostPath(path, process, surroundings)),
  )
  const host = [...named, ...used]
    .filter((path) => path !== undefined)
    .map((path) => portion(path, surroundings.mounts))
    .filter((path) => path !== undefined)
  return { host: outermost(host), private: privateMounts(service, surroundings) }
}

function usedPaths(process: Process, { unixSockets }: Surroundings): string[] {
  const open = process.files.filter(({ kind }) => kind === 'file').map(({ target }) => target)
  const bound = process.files.map(({ socket }) =>
    socket === undefined ? '' : (unixSockets.get(socket)?.path ?? ''),
  )
  return [...open, ...process.mapped, ...bound]
    .filter((path) => path.startsWith('/') && !path.endsWith(' (deleted)'))
    .map(inRun)
}

/** /var/run is a link to /run (file-hierarchy(7)), and a socket keeps the name it was bound by. */
function inRun(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/')
}

/** Where the host sees a path of a process, undefined where that isn't on one of the host's tmpfs. */
function hostPath(path: string, process: Process, { mounts }: Surroundings): string | undefined {
  const inside = mountOf(process.mounts, path)
  if (inside?.type !== 'tmpfs' || isPrivateTmp(inside)) return undefined
  const outside = mounts.find(({ device, root }) => device === inside.device && root === '/')
  if (!outside) return undefined
  return join(outside.target, inside.root, relative(inside.target, path))
}

/** The part of a tmpfs that goes along for a path: in /run its top directory, elsewhere the file itself. */
function portion(path: string, mounts: readonly Mount[]): string | undefined {
  const mount = mountOf(mounts, path)
  if (mount?.type !== 'tmpfs') return undefined
  if (platformDirectories.some((directory) => path === directory || path.startsWith(`${directory}/`)))
    return undefined
  if (mount.target !== '/run') return path
  return join(mount.target, relative(mount.target, path).split('/')[0]!)
}

function privateMounts(service: Service, { mounts }: Surroundings): string[] {
  const main = service.processes.find(({ pid }) => pid === service.mainPid)
  if (!main) return []
  const hostDevices = new Set(mounts.map(({ device }) => device))
  return main.mounts
    .filter(({ options }) => options.includes('rw'))
    .filter((mount) => isPrivateTmp(mount) || (mount.type === 'tmpfs' && !hostDevices.has(mount.device)))
    .filter(({ target }) => target !== '/dev' && !target.startsWith('/run/credentials'))
    .map(({ target }) => target)
}

/** PrivateTmp= bind-mounts a directory that carries the boot id in its name (systemd.exec(5)). */
function isPrivateTmp({ root }: Mount): boolean {
  return root.includes('/systemd-private-')
}

function words(value: string | undefined): string[] {
  return (value ?? '').split(' ').filter((word) => word !== '')
}

function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)].sort()
  return unique.filter((path) => !unique.some((other) => other !== path && path.startsWith(`${other}/`)))
}
