import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const session = facet({
  name: 'session',
  title: 'session',
  manual: 'getsid(2)',
  scope: 'task',
  read: (task) => task.stat.session,
  compare: same(),
})
