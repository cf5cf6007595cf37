import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const ioPriority = facet({
  name: 'io-priority',
  title: 'I/O scheduling class and priority',
  manual: 'ioprio_set(2)',
  scope: 'thread',
  read: (thread) => thread.probed('ioprio').value ?? '',
  compare: same(),
})
