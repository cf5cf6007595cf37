import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const seccompFilters = facet({
  name: 'seccomp-filters',
  title: 'number of seccomp filters',
  manual: 'seccomp(2)',
  scope: 'thread',
  read: (thread) => thread.status('Seccomp_filters'),
  compare: same(),
})
