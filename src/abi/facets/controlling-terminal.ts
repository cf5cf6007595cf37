import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const controllingTerminal = facet({
  name: 'controlling-terminal',
  title: 'controlling terminal, as a device number',
  manual: 'proc_pid_stat(5)',
  scope: 'task',
  read: (task) => task.stat.ttyNr,
  compare: same(),
})
