import { parsePosixTimers } from '../../proc/posix-timers.ts'
import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { compareTimers, parseTimerSetting, type TimerSetting } from '../time-left.ts'

export const posixTimersLeft = facet<Readonly<Record<string, TimerSetting>>>({
  name: 'posix-timers-left',
  title: 'POSIX timers: interval, time left',
  manual: 'timer_gettime(2)',
  scope: 'task',
  strictOnly: true,
  read: (task) =>
    Object.fromEntries(
      Object.keys(parsePosixTimers(task.proc.text('timers'))).map((id) => [
        id,
        parseTimerSetting(task.leader.asked(`timer${id}`), 1e9),
      ]),
    ),
  compare: byCommonKey((id) => `timer ${id}`, compareTimers),
})
