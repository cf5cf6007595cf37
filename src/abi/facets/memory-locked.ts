import { movesWhenRunning } from '../compare.ts'
import { facet } from '../types.ts'

export const memoryLocked = facet<string>({
  name: 'memory-locked',
  title: 'amount of locked memory',
  manual: 'mlock(2)',
  scope: 'task',
  read: (task) => task.status('VmLck'),
  compare: movesWhenRunning('tasks that run map and unmap memory'),
})
