import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { compareTimers, parseTimerSetting, type TimerSetting } from '../time-left.ts'

/** By their numbers, ITIMER_* (include/uapi/linux/time.h). */
const TIMERS = ['real', 'virtual', 'profiling'] as const

export const intervalTimers = facet<Readonly<Record<string, TimerSetting>>>({
  name: 'interval-timers',
  title: 'interval timers: interval, time left',
  manual: 'getitimer(2)',
  scope: 'task',
  strictOnly: true,
  read: ({ leader }) =>
    Object.fromEntries(
      TIMERS.map((name, which) => [name, parseTimerSetting(leader.asked(`interval${which}`), 1e6)]),
    ),
  compare: byKey(undefined, compareTimers),
})
