import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const pid = facet({
  name: 'pid',
  title: 'process id, in every PID namespace',
  manual: 'pid_namespaces(7)',
  scope: 'task',
  read: (task) => task.status('NSpid'),
  compare: same(),
})
