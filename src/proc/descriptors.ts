import { readdirSync, readlinkSync } from 'node:fs'
import { ifEnded } from '../errors.ts'
import type { ProcDirectory } from './directory.ts'
import { parseKeyedLines } from './keyed-lines.ts'

/** One open descriptor of a task: its link in /proc/PID/fd and its file in /proc/PID/fdinfo (proc_pid_fdinfo(5)). */
export interface Descriptor {
  readonly fd: number
  /** As the link reads: `/dev/null`, `socket:[123]`, `anon_inode:[eventpoll]`. */
  readonly target: string
  readonly kind: DescriptorKind
  readonly flags: number
  readonly position: number
  readonly mountId: number
  readonly inode: number
  /** The whole of fdinfo, for what only this kind of file prints. */
  readonly info: string
}

export type DescriptorKind =
  | 'socket'
  | 'pipe'
  | 'memfd'
  | 'file'
  | 'eventpoll'
  | 'eventfd'
  | 'signalfd'
  | 'timerfd'
  | 'inotify'
  | 'fanotify'
  | 'pidfd'
  | 'namespace'
  | 'other'

/**
 * Every descriptor of a task. One that is closed between listing and reading is left out.
 * @throws Error with ENOENT or ESRCH for a task that has ended.
 */
export function readDescriptors(proc: ProcDirectory): readonly Descriptor[] {
  return proc.numbers('fd').flatMap((fd) => {
    try {
      const target = proc.link(`fd/${fd}`)
      const info = proc.text(`fdinfo/${fd}`)
      const head = parseKeyedLines(info)
      return [
        {
          fd,
          target,
          kind: kindOf(target),
          flags: Number.parseInt(head.get('flags') ?? '0', 8),
          position: Number(head.get('pos') ?? 0),
          mountId: Number(head.get('mnt_id') ?? -1),
          inode: Number(head.get('ino') ?? 0),
          info,
        },
      ]
    } catch (error) {
      return ifEnded([])(error)
    }
  })
}

/**
 * Only what the links of a task's descriptors read; the files behind them aren't looked at. [] for one that has ended.
 */
export function readTargets(pid: number | string): string[] {
  const directory = `/proc/${pid}/fd`
  const targetOf = (fd: string) => {
    try {
      return [readlinkSync(`${directory}/${fd}`)]
    } catch (error) {
      return ifEnded([])(error)
    }
  }
  try {
    return readdirSync(directory).flatMap(targetOf)
  } catch (error) {
    return ifEnded([])(error)
  }
}

/** Inode of the socket that a target stands for; undefined for another. */
export function socketInode(target: string): number | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
  return inode === undefined ? undefined : Number(inode)
}

/** Inodes of the sockets that a process holds; [] for one that has ended. */
export function socketInodes(pid: number): number[] {
  return readTargets(pid).flatMap((target) => socketInode(target) ?? [])
}

/** The kind of open file that a link in /proc/PID/fd stands for. */
export function kindOf(target: string): DescriptorKind {
  if (target.startsWith('socket:[')) return 'socket'
  if (target.startsWith('pipe:[')) return 'pipe'
  if (target.startsWith('/memfd:')) return 'memfd'
  if (target.startsWith('/')) return 'file'
  const anonymous = /^anon_inode:\[?([a-z]+)\]?$/.exec(target)?.[1]
  if (anonymous && ANONYMOUS.has(anonymous)) return anonymous as DescriptorKind
  return /^[a-z_]+:\[\d+\]$/.test(target) ? 'namespace' : 'other'
}

const ANONYMOUS = new Set(['eventpoll', 'eventfd', 'signalfd', 'timerfd', 'inotify', 'fanotify', 'pidfd'])
