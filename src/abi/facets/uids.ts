import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const uids = facet({
  name: 'uids',
  title: 'real, effective, saved and file system user ids',
  manual: 'credentials(7)',
  scope: 'thread',
  read: (thread) => thread.status('Uid').split(/\s+/).join(' '),
  compare: same(),
})
