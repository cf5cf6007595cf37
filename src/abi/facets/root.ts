import { same } from '../compare.ts'
import { stablePath } from '../normalise.ts'
import { facet } from '../types.ts'

export const root = facet({
  name: 'root',
  title: 'root directory',
  manual: 'proc_pid_root(5)',
  scope: 'task',
  read: (task) => stablePath(task.proc.link('root')),
  compare: same(),
})
