import { combine, differing, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Compare } from '../types.ts'

export const threads = facet<readonly number[]>({
  name: 'threads',
  title: 'thread ids',
  manual: 'proc_pid_task(5)',
  scope: 'task',
  read: (task) => task.threads.map(({ tid }) => tid),
  compare: compareThreads(),
})

/** A pool may start threads while the task runs, but none that was there may be missing. */
function compareThreads(): Compare<readonly number[]> {
  return (before, after, { strict }) => {
    const [was, is] = [new Set(before), new Set(after)]
    return combine([
      ...before.filter((tid) => !is.has(tid)).map((tid) => differing(`thread ${tid}: gone`)),
      ...after
        .filter((tid) => !was.has(tid))
        .map((tid) => (strict ? differing(`thread ${tid}: new`) : explained('tasks that run start threads'))),
    ])
  }
}
