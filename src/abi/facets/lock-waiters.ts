import { mayDiffer } from '../compare.ts'
import { facet } from '../facet.ts'

/** Lines such as `1: -> POSIX  ADVISORY  WRITE 123 fe:00:2 0 EOF` stand below the lock they wait for. */
export const lockWaiters = facet<readonly string[]>({
  name: 'lock-waiters',
  title: 'tasks that wait for a file lock',
  manual: 'proc_locks(5)',
  scope: 'workload',
  read(workload) {
    const pids = new Set(workload.tasks.map(({ pid }) => String(pid)))
    return workload.host.proc
      .text('locks')
      .split('\n')
      .flatMap((line) => {
        const [, kind, , access, pid] = /-> +(\S+) +(\S+) +(\S+) +(-?\d+)/.exec(line) ?? []
        return pid !== undefined && pids.has(pid) ? [`${pid} ${kind} ${access}`] : []
      })
      .sort()
  },
  compare: mayDiffer('a call that waits for a lock is interrupted by the freeze and made again'),
})
