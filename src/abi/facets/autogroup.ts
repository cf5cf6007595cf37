import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const autogroup = facet({
  name: 'autogroup',
  title: 'nice value of the autogroup',
  manual: 'sched(7)',
  scope: 'task',
  read: (task) => /nice (-?\d+)/.exec(task.proc.text('autogroup'))?.[1] ?? '',
  compare: same(),
})
