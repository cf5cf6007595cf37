import { dirname, join, relative, resolve } from 'node:path'
import { type Mount, mountOf } from '../proc/mountinfo.ts'
import { wordsIn } from '../tools/systemd.ts'
import type { FileUse } from './process.ts'
import type { Service } from './service.ts'
import type { HostFiles } from './surroundings.ts'

/** A service's files that a boot loses: to be archived at the freeze and put back before the restore. */
export interface TmpfsFiles {
  /** Paths on the host's own tmpfs: files, or directories with all they hold. */
  readonly host: readonly string[]
  /** Directories above them, the outermost first, which a boot may not have: alone, for their owners and modes. */
  readonly parents: readonly string[]
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
 * Finds what a service keeps on tmpfs: its runtime directories, its PID file, and whatever its processes work in, hold open,
 * map or listen on; of /run, the whole top directory that such a file lies in.
 */
export function tmpfsFiles(
  { properties, mainPid }: Pick<Service, 'properties' | 'mainPid'>,
  uses: readonly FileUse[],
  surroundings: HostFiles,
): TmpfsFiles {
  const named = [
    ...wordsIn(properties.RuntimeDirectory).map((name) => join('/run', name)),
    ...wordsIn(properties.PIDFile).map(inRun),
  ]
  const used = uses.flatMap((use) =>
    usedPaths(use, surroundings).map((path) => hostPath(path, use, surroundings)),
  )
  const found = outermost(
    [...named, ...used]
      .filter((path) => path !== undefined)
      .map((path) => portion(path, surroundings.mounts))
      .filter((path) => path !== undefined),
  )
  const parents = [...new Set(found.flatMap((path) => parentsOf(path, surroundings.mounts)))].sort()
  const main = uses.find(({ pid }) => pid === mainPid)
  return { host: found, parents, private: main ? privateMounts(main, surroundings) : [] }
}

function usedPaths(
  { open, sockets, mapped }: FileUse,
  { unixSockets }: Pick<HostFiles, 'unixSockets'>,
): string[] {
  const bound = sockets.map((socket) => unixSockets.get(socket)?.path ?? '')
  return [...open, ...mapped, ...bound]
    .filter((path) => path.startsWith('/') && !path.startsWith('/memfd:') && !path.endsWith(' (deleted)'))
    .map(inRun)
}

/** /var/run is a link to /run (file-hierarchy(7)), and a socket keeps the name it was bound by. */
function inRun(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/')
}

/** Where the host sees a path of a process, undefined where that isn't on one of the host's tmpfs. */
export function hostPath(
  path: string,
  use: Pick<FileUse, 'mounts'>,
  { mounts }: Pick<HostFiles, 'mounts'>,
): string | undefined {
  const inside = mountOf(use.mounts, path)
  if (inside?.type !== 'tmpfs' || isPrivateTmp(inside)) return undefined
  const outside = mounts.find(({ device, root }) => device === inside.device && root === '/')
  if (!outside) return undefined
  return resolve(outside.target, `.${inside.root}`, relative(inside.target, path))
}

/**
 * The part of a tmpfs that goes along for a path: in /run its top directory, elsewhere the file itself. A mount point is
 * there in any boot, and what else lies in it is not for whoever works there.
 */
function portion(path: string, mounts: readonly Mount[]): string | undefined {
  const mount = mountOf(mounts, path)
  if (mount?.type !== 'tmpfs' || path === mount.target) return undefined
  if (isOfPlatform(path)) return undefined
  if (mount.target !== '/run') return path
  return join(mount.target, relative(mount.target, path).split('/')[0]!)
}

/** Directories between a mount point and a path. */
function parentsOf(path: string, mounts: readonly Mount[]): string[] {
  const top = mountOf(mounts, path)?.target
  const parents: string[] = []
  for (let at = dirname(path); at !== top && at !== '/'; at = dirname(at)) parents.push(at)
  return parents
}

/** True for what is never a service's to bring back. */
export function isOfPlatform(path: string): boolean {
  return platformDirectories.some((directory) => path === directory || path.startsWith(`${directory}/`))
}

function privateMounts(main: FileUse, { mounts }: Pick<HostFiles, 'mounts'>): string[] {
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

function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)].sort()
  return unique.filter((path) => !unique.some((other) => other !== path && path.startsWith(`${other}/`)))
}
