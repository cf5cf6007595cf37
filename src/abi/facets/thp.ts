import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const thp = facet({
  name: 'thp',
  title: 'transparent huge pages allowed',
  manual: 'PR_SET_THP_DISABLE(2const)',
  scope: 'task',
  read: (task) => task.status('THP_enabled'),
  compare: same(),
})
