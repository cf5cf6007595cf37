import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const cmdline = facet({
  name: 'cmdline',
  title: 'command line',
  manual: 'proc_pid_cmdline(5)',
  scope: 'task',
  read: (task) => task.proc.text('cmdline').replaceAll('\0', ' '),
  compare: same(),
})
