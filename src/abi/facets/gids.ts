import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const gids = facet({
  name: 'gids',
  title: 'real, effective, saved and file system group ids',
  manual: 'credentials(7)',
  scope: 'thread',
  read: (thread) => thread.status('Gid').split(/\s+/).join(' '),
  compare: same(),
})
