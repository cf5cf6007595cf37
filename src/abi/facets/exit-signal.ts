import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const exitSignal = facet({
  name: 'exit-signal',
  title: 'signal that tells the parent of the exit',
  manual: 'clone(2)',
  scope: 'task',
  read: (task) => task.stat.exitSignal,
  compare: same(),
})
