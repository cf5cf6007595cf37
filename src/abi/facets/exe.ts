import { same } from '../compare.ts'
import { stablePath } from '../normalise.ts'
import { facet } from '../types.ts'

export const exe = facet({
  name: 'exe',
  title: 'executable',
  manual: 'proc_pid_exe(5)',
  scope: 'task',
  read: (task) => stablePath(task.proc.link('exe')),
  compare: same(),
})
