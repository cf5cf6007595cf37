import { nextElapse } from '../tools/systemd-analyze.ts'

/** When scheduled swaps may begin. */
export interface Window {
  /** Calendar expressions (systemd.time(7)) at which it opens; days and time zone are part of them. */
  readonly calendars: readonly string[]
  /** How long it stays open. */
  readonly seconds: number
}

/** True while a window is open: it opened less than its length ago. `now` is Unix time in seconds. */
export async function isOpen({ calendars, seconds }: Window, now: number): Promise<boolean> {
  const opened = await Promise.all(calendars.map((calendar) => nextElapse(calendar, now - seconds)))
  return opened.some((at) => at !== undefined && at <= now)
}
