import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const noNewPrivs = facet({
  name: 'no-new-privs',
  title: 'no_new_privs',
  manual: 'PR_SET_NO_NEW_PRIVS(2const)',
  scope: 'thread',
  read: (thread) => thread.status('NoNewPrivs'),
  compare: same(),
})
