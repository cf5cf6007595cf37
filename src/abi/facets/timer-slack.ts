import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const timerSlack = facet({
  name: 'timer-slack',
  title: 'timer slack in nanoseconds',
  manual: 'PR_SET_TIMERSLACK(2const)',
  scope: 'task',
  read: (task) => task.proc.text('timerslack_ns').trim(),
  compare: same(),
})
