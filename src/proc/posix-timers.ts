/** One POSIX timer of /proc/PID/timers, proc_pid_timers(5). */
export type PosixTimer = {
  /** `14/0000000000000000`: signal number and the value that goes with it. */
  readonly signal: string
  /** `signal/pid.123`, `none/…`, `thread/…`. */
  readonly notify: string
  readonly clock: string
}

/** Parses /proc/PID/timers: timer id → its settings. */
export function parsePosixTimers(text: string): Readonly<Record<string, PosixTimer>> {
  const timers: Record<string, PosixTimer> = {}
  for (const block of text.split(/^(?=ID:)/m)) {
    const value = (key: string) => new RegExp(`^${key}: *(.*)$`, 'm').exec(block)?.[1]?.trim() ?? ''
    if (value('ID') !== '') {
      timers[value('ID')] = { signal: value('signal'), notify: value('notify'), clock: value('ClockID') }
    }
  }
  return timers
}
