import { differing, equal, explained, fields, same } from './compare.ts'
import type { Compare } from './types.ts'

/** What a timer is set to, in seconds: 0 where it isn't armed, or has no interval. */
export type TimerSetting = { readonly interval: number; readonly left: number }

/** Parses an interval and what is left, each as seconds and a fraction of which a second has so many. */
export function parseTimerSetting(text: string, fractions: number): TimerSetting {
  const [interval = 0, ofInterval = 0, left = 0, ofLeft = 0] = text.split(' ').map(Number)
  return { interval: interval + ofInterval / fractions, left: left + ofLeft / fractions }
}

/** Clocks of two kernels and the two readings themselves are never quite in step. */
const SLACK_SECONDS = 2

/**
 * Compares what is left on a timer, in seconds, 0 when it isn't armed: it goes down by what passed between the
 * snapshots at most, and starts again at its interval if it has one. A restored one goes on from its checkpoint, which
 * may be older than the first snapshot: it can have more left by that.
 */
export function timeLeft(interval: number): Compare<number> {
  return (before, after, { elapsedSeconds, heldSeconds }) => {
    if (before === after) return equal()
    const least = before - elapsedSeconds - SLACK_SECONDS
    const most = interval > 0 && least < 0 ? Math.max(interval, before) : before
    if (after >= least && after <= most + heldSeconds + SLACK_SECONDS && (after > 0 || least <= 0)) {
      return explained('timers go on')
    }
    return differing(`${before} s → ${after} s, after ${Math.round(elapsedSeconds)} s`)
  }
}

/** Compares what a timer is set to. */
export const compareTimers: Compare<TimerSetting> = (before, after, setting) =>
  fields<TimerSetting>({ interval: same(), left: timeLeft(before.interval) })(before, after, setting)
