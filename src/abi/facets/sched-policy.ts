import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const schedPolicy = facet({
  name: 'sched-policy',
  title: 'scheduling policy: 0 other, 1 fifo, 2 rr, 3 batch, 5 idle, 6 deadline',
  manual: 'sched_setscheduler(2)',
  scope: 'thread',
  read: (thread) => thread.stat.policy,
  compare: same(),
})
