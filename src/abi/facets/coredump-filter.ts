import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const coredumpFilter = facet({
  name: 'coredump-filter',
  title: 'memory that goes into a core dump',
  manual: 'core(5)',
  scope: 'task',
  read: (task) => task.proc.text('coredump_filter').trim(),
  compare: same(),
})
