import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const loginuid = facet({
  name: 'loginuid',
  title: 'audit login user id',
  manual: 'proc_pid_loginuid(5)',
  scope: 'task',
  read: (task) => task.proc.text('loginuid').trim(),
  compare: same(),
})
