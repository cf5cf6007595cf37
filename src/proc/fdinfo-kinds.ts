import { parseKeyedLines } from './keyed-lines.ts'

/** One descriptor in an epoll set. */
export interface EpollTarget {
  readonly target: number
  readonly events: string
  readonly data: string
}

/** Parses the `tfd:` lines of an epoll descriptor's fdinfo. The target's inode is left out: it changes. */
export function parseEpollTargets(info: string): readonly EpollTarget[] {
  return [...info.matchAll(/^tfd:\s*(\d+)\s+events:\s*(\S+)\s+data:\s*(\S+)/gm)].map(
    ([, target, events = '', data = '']) => ({ target: Number(target), events, data }),
  )
}

/** What fdinfo shows of a timer descriptor; times in seconds. */
export type TimerfdState = {
  readonly clock: string
  /** Expirations not yet read. */
  readonly ticks: number
  readonly flags: string
  readonly left: number
  readonly interval: number
}

/** Parses the fdinfo of a timer descriptor, proc_pid_fdinfo(5). */
export function parseTimerfd(info: string): TimerfdState {
  const values = parseKeyedLines(info)
  return {
    clock: values.get('clockid') ?? '',
    ticks: Number(values.get('ticks') ?? 0),
    flags: values.get('settime flags') ?? '',
    left: seconds(values.get('it_value')),
    interval: seconds(values.get('it_interval')),
  }
}

/** `(999, 131021725)`: seconds and nanoseconds. */
function seconds(pair = ''): number {
  const [whole = '0', nanoseconds = '0'] = pair.replace(/[()\s]/g, '').split(',')
  return Number(whole) + Number(nanoseconds) / 1e9
}

/** One watch of an inotify or mark of a fanotify descriptor. */
export type Watch = {
  /** `wd 1`, or for fanotify the kind of mark. */
  readonly name: string
  readonly inode: string
  /** Device number as the kernel holds it: the major number above bit 20, 0 for tmpfs and its like. */
  readonly device: number
  readonly mask: string
}

/** Parses the `inotify wd:` and `fanotify …` lines, whose numbers are all hexadecimal. */
export function parseWatches(info: string): readonly Watch[] {
  return info.split('\n').flatMap((line) => {
    if (!/^(inotify wd|fanotify (ino|mnt_id|sdev)):/.test(line)) return []
    const values = Object.fromEntries(
      [...line.matchAll(/(\w+):(\S+)/g)].map(([, key, value]) => [key, value]),
    )
    return [
      {
        name: values.wd === undefined ? `mark of inode ${values.ino ?? 'any'}` : `wd ${values.wd}`,
        inode: values.ino ?? '',
        device: Number.parseInt(values.sdev ?? '0', 16),
        mask: [values.mask, values.ignored_mask, values.mflags].filter(Boolean).join(' '),
      },
    ]
  })
}

/**
 * Parses the `lock:` lines: `POSIX ADVISORY WRITE 123 5 14` with kind, access, PID, first and last byte. Device
 * and inode are left out, since the descriptor names the file, and so is the PID of what belongs to an open file
 * and not to a process (flock(2), OFDLCK): it only tells who asked first.
 */
export function parseFdLocks(info: string): readonly string[] {
  return [...info.matchAll(/^lock:\s*\d+:\s*(\S+)\s+(\S+)\s+(\S+)\s+(-?\d+)\s+\S+\s+(\S+)\s+(\S+)/gm)].map(
    ([, kind, way, access, pid, start, end]) =>
      [kind, way, access, kind === 'POSIX' ? pid : '', start, end].filter((word) => word !== '').join(' '),
  )
}
