import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const memoryNodes = facet({
  name: 'memory-nodes',
  title: 'memory nodes it may use',
  manual: 'cpuset(7)',
  scope: 'thread',
  read: (thread) => thread.status('Mems_allowed_list'),
  compare: same(),
})
