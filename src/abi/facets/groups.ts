import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const groups = facet({
  name: 'groups',
  title: 'supplementary groups',
  manual: 'getgroups(2)',
  scope: 'thread',
  read: (thread) => thread.status('Groups').split(/\s+/).join(' '),
  compare: same(),
})
