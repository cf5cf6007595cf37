import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const hostname = facet({
  name: 'hostname',
  title: 'host name, as the task sees it',
  manual: 'uts_namespaces(7)',
  scope: 'task',
  read: (task) => task.workload.viewOf(task).hostname,
  compare: same(),
})
