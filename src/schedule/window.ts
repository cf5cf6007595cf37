import { Failure } from '../errors.ts'
import { nextElapse, timespanSeconds } from '../tools/systemd-analyze.ts'

/** When scheduled swaps may begin. */
export interface Window {
  /** Calendar expressions (systemd.time(7)) at which it opens; days and time zone are part of them. */
  readonly calendars: readonly string[]
  /** How long it stays open. */
  readonly seconds: number
}

/** systemd starts what a timer is for up to a minute late (systemd.timer(5), AccuracySec=). */
const shortest = 60
const longest = 366 * 24 * 3600

/**
 * Seconds that a window of this length is open.
 * @throws Failure 'usage' for one that may be over before anything begins, that has no end, or that is no time span.
 */
export async function windowSeconds(length: string): Promise<number> {
  const seconds = await timespanSeconds(length)
  if (seconds >= shortest && seconds <= longest) return seconds
  const why = seconds < shortest ? 'over before anything begins' : 'longer than a year'
  throw new Failure('usage', `A window of ${length} is ${why}; write it as 30m or 2h.`)
}

/** True while a window is open: it opened less than its length ago. `now` is Unix time in seconds. */
export async function isOpen({ calendars, seconds }: Window, now: number): Promise<boolean> {
  const opened = await Promise.all(calendars.map((calendar) => nextElapse(calendar, now - seconds)))
  return opened.some((at) => at !== undefined && at <= now)
}
