import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const umask = facet({
  name: 'umask',
  title: 'file mode creation mask',
  manual: 'umask(2)',
  scope: 'task',
  read: (task) => task.status('Umask'),
  compare: same(),
})
