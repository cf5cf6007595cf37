import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const cgroup = facet({
  name: 'cgroup',
  title: 'control group',
  manual: 'cgroups(7)',
  scope: 'thread',
  read: (thread) => thread.proc.text('cgroup').trim().split('\n').join(' '),
  compare: same(),
})
