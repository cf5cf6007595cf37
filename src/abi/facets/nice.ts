import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const nice = facet({
  name: 'nice',
  title: 'nice value',
  manual: 'nice(2)',
  scope: 'thread',
  read: (thread) => thread.stat.nice,
  compare: same(),
})
