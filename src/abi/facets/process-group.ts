import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const processGroup = facet({
  name: 'process-group',
  title: 'process group',
  manual: 'getpgrp(2)',
  scope: 'task',
  read: (task) => task.stat.pgrp,
  compare: same(),
})
