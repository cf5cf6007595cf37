import { same } from '../compare.ts'
import { stablePath } from '../normalise.ts'
import { facet } from '../types.ts'

export const cwd = facet({
  name: 'cwd',
  title: 'working directory',
  manual: 'proc_pid_cwd(5)',
  scope: 'task',
  read: (task) => stablePath(task.proc.link('cwd')),
  compare: same(),
})
