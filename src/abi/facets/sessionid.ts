import { mayDiffer } from '../compare.ts'
import { facet } from '../types.ts'

export const sessionid = facet({
  name: 'sessionid',
  title: 'audit session id',
  manual: 'proc_pid_sessionid(5)',
  scope: 'task',
  read: (task) => task.proc.text('sessionid').trim(),
  compare: mayDiffer('the kernel numbers audit sessions anew'),
})
