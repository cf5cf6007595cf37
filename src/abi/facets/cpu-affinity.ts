import { parseCpuList } from '../../proc/cpu-list.ts'
import { differing, equal, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Comparison } from '../types.ts'

/** Lists of processors (cpuset(7)): those it may run on, and those that were online. */
interface Processors extends Readonly<Record<string, string>> {
  readonly allowed: string
  readonly online: string
}

export const cpuAffinity = facet<Processors>({
  name: 'cpu-affinity',
  title: 'CPUs it may run on',
  manual: 'sched_setaffinity(2)',
  scope: 'thread',
  read: (thread) => ({
    allowed: thread.status('Cpus_allowed_list'),
    online: thread.task.workload.host.processors,
  }),
  compare,
})

/** Only processors that are online count: a list may name others, or all that there could ever be. */
function compare(before: Processors, after: Processors): Comparison {
  const [had, has] = [parseCpuList(before.online), parseCpuList(after.online)]
  const [was, is] = [new Set(parseCpuList(before.allowed)), new Set(parseCpuList(after.allowed))]
  const mayAll = had.every((cpu) => was.has(cpu))
  const expected = has.filter((cpu) => mayAll || was.has(cpu))
  if (expected.length === 0) return explained('no processor that it may run on is online any more')
  if (has.some((cpu) => is.has(cpu) !== expected.includes(cpu)))
    return differing(`${before.allowed} → ${after.allowed}`)
  return expected.join() === had.filter((cpu) => was.has(cpu)).join()
    ? equal()
    : explained('other processors are online')
}
