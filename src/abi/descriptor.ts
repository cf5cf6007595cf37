import { parseKeyedLines } from '../proc/keyed-lines.ts'
import type { ProcDirectory } from './proc-directory.ts'

/** One open descriptor of a task: its link in /proc/PID/fd and its file in /proc/PID/fdinfo (proc_pid_fdinfo(5)). */
export interface Descriptor {
  readonly fd: number
  /** As the link reads: `/dev/null`, `socket:[123]`, `anon_inode:[eventpoll]`. */
  readonly target: string
  readonly kind: DescriptorKind
  readonly flags: number
  readonly position: number
  readonly mountId: number
  readonly inode: string
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

/** Every descriptor of a task. One that is closed between listing and reading is left out. */
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
          inode: head.get('ino') ?? '',
          info,
        },
      ]
    } catch {
      return []
    }
  })
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
