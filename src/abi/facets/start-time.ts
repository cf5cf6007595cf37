import { mayDiffer } from '../compare.ts'
import { facet } from '../types.ts'

export const startTime = facet({
  name: 'start-time',
  title: 'start time in clock ticks since boot',
  manual: 'proc_pid_stat(5)',
  scope: 'task',
  read: (task) => task.stat.startTime,
  compare: mayDiffer('a restored process starts anew on a clock that starts anew'),
})
