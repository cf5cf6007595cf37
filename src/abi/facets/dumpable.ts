import { statSync } from 'node:fs'
import { same } from '../compare.ts'
import { facet } from '../facet.ts'

/**
 * The owner of /proc/PID is the effective user as long as the process is dumpable, else root: proc(5). For
 * root's own processes it says nothing.
 */
export const dumpable = facet({
  name: 'dumpable',
  title: 'dumpable, by the owner of its /proc directory',
  manual: 'PR_SET_DUMPABLE(2const)',
  scope: 'task',
  read(task) {
    const { uid, gid } = statSync(`${task.proc.path}/fd`)
    return `${uid}:${gid}`
  },
  compare: same(),
})
