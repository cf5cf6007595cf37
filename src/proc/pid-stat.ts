/** Fields of /proc/PID/stat, by the names and numbers of proc_pid_stat(5). Addresses stay text: they exceed 2^53. */
export interface PidStat {
  readonly comm: string
  /** One letter: R, S, D, T, t, Z … */
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly session: number
  readonly ttyNr: number
  /** PF_* of the kernel's include/linux/sched.h. */
  readonly flags: number
  /** Ends with the signal that tells the parent, usually 17 (SIGCHLD). */
  readonly exitSignal: number
  readonly nice: number
  readonly rtPriority: number
  readonly policy: number
  /** Clock ticks since boot. */
  readonly startTime: number
  /** Where the kernel keeps code, data, heap, arguments and environment (prctl(2) PR_SET_MM). */
  readonly layout: Readonly<Record<(typeof LAYOUT)[number][0], string>>
}

const LAYOUT = [
  ['startcode', 26],
  ['endcode', 27],
  ['startstack', 28],
  ['start_data', 45],
  ['end_data', 46],
  ['start_brk', 47],
  ['arg_start', 48],
  ['arg_end', 49],
  ['env_start', 50],
  ['env_end', 51],
] as const

/**
 * Parses /proc/PID/stat. The name in parentheses may hold spaces and parentheses itself, so the last `)` ends it.
 * @throws Error for text of another form.
 */
export function parsePidStat(text: string): PidStat {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')]
  if (open < 0 || close < open) throw new Error(`not a /proc/PID/stat line: ${text.slice(0, 40)}`)
  const rest = text
    .slice(close + 1)
    .trim()
    .split(' ')
  // rest[0] is field 3.
  const field = (number: number) => rest[number - 3] ?? ''
  return {
    comm: text.slice(open + 1, close),
    state: field(3),
    ppid: Number(field(4)),
    pgrp: Number(field(5)),
    session: Number(field(6)),
    ttyNr: Number(field(7)),
    flags: Number(field(9)),
    nice: Number(field(19)),
    startTime: Number(field(22)),
    exitSignal: Number(field(38)),
    rtPriority: Number(field(40)),
    policy: Number(field(41)),
    layout: Object.fromEntries(
      LAYOUT.map(([name, number]) => [name, BigInt(field(number) || 0).toString(16)]),
    ) as PidStat['layout'],
  }
}
