import { statSync } from 'node:fs'
import type { Descriptor } from '../../proc/descriptors.ts'
import { byCommonKey, equal, explained, same } from '../compare.ts'
import { facet } from '../facet.ts'
import { stablePath } from '../normalise.ts'
import type { TaskReader } from '../readers.ts'
import type { Comparison, Setting } from '../types.ts'

type Target = {
  readonly path: string
  /** Number of a device file, as `1:3`; empty for other files. */
  readonly device: string
}

/** Files by path; sockets and pipes have none, their identity is compared by `fd-sharing`. */
export const fdTargets = facet<Readonly<Record<string, Target>>>({
  name: 'fd-targets',
  title: 'files that descriptors refer to',
  manual: 'proc_pid_fd(5)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptors
        .filter(({ kind }) => kind !== 'socket' && kind !== 'pipe')
        .map((descriptor) => [String(descriptor.fd), targetOf(task, descriptor)]),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`, sameTarget),
})

function targetOf(task: TaskReader, descriptor: Descriptor): Target {
  const path = stablePath(descriptor.target).replace(/^([a-z_]+:)\[\d+\]$/, '$1')
  return { path, device: mayBeDevice(task, descriptor) ? deviceOf(task, descriptor.fd) : '' }
}

/** Only these are asked for their type: stat(2) of a file on a hung file system would hang here as well. */
function mayBeDevice(task: TaskReader, { kind, target, mountId }: Descriptor): boolean {
  return kind === 'file' && (target.startsWith('/dev/') || !task.mounts.some(({ id }) => id === mountId))
}

function deviceOf(task: TaskReader, fd: number): string {
  const stat = statSync(`${task.proc.path}/fd/${fd}`)
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return ''
  // dev_t as makedev(3) packs it, for numbers that fit in 32 bits.
  return `${(stat.rdev >> 8) & 0xfff}:${(stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00)}`
}

function sameTarget(before: Target, after: Target, setting: Setting): Comparison {
  if (before.path === after.path && before.device === after.device) return equal()
  if (before.device !== '' && before.device === after.device) {
    return explained('the same device, reached through a mount of the service manager')
  }
  const show = ({ path, device }: Target) => (device === '' ? path : `${path} (device ${device})`)
  return same<Target>(show)(before, after, setting)
}
