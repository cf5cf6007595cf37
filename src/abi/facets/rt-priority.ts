import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const rtPriority = facet({
  name: 'rt-priority',
  title: 'real-time priority',
  manual: 'sched(7)',
  scope: 'thread',
  read: (thread) => thread.stat.rtPriority,
  compare: same(),
})
