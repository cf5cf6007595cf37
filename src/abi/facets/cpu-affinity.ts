import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const cpuAffinity = facet({
  name: 'cpu-affinity',
  title: 'CPUs it may run on',
  manual: 'sched_setaffinity(2)',
  scope: 'thread',
  read: (thread) => thread.status('Cpus_allowed_list'),
  compare: same(),
})
