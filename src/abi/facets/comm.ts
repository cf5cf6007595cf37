import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const comm = facet({
  name: 'comm',
  title: 'name of the thread',
  manual: 'proc_pid_comm(5)',
  scope: 'thread',
  read: (thread) => thread.stat.comm,
  compare: same(),
})
