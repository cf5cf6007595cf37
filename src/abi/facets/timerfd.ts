import { parseTimerfd, type TimerfdState } from '../../proc/fdinfo-kinds.ts'
import { byCommonKey, fields, movesWhenRunning, same } from '../compare.ts'
import { facet } from '../facet.ts'
import { timeLeft } from '../time-left.ts'

export const timerfd = facet<Readonly<Record<string, TimerfdState>>>({
  name: 'timerfd',
  title: 'timer descriptors: clock, interval, time left',
  manual: 'timerfd_create(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(task.descriptorsOf('timerfd').map(({ fd, info }) => [String(fd), parseTimerfd(info)])),
  compare: byCommonKey(
    (fd) => `fd ${fd}`,
    (before, after, setting) =>
      fields<TimerfdState>({
        clock: same(),
        interval: same(),
        flags: same(),
        ticks: movesWhenRunning('timers go on'),
        left: timeLeft(before.interval),
      })(
        // A timer that ran out between the snapshots counts the expirations.
        after.ticks > before.ticks ? { ...before, ticks: after.ticks } : before,
        after,
        setting,
      ),
  ),
})
