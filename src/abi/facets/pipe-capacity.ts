import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const pipeCapacity = facet<Readonly<Record<string, string>>>({
  name: 'pipe-capacity',
  title: 'capacity of pipes in bytes',
  manual: 'F_GETPIPE_SZ(2const)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.workload.firstHeld(task, 'pipe').map(({ fd }) => [String(fd), task.probed('pipe', fd).size ?? '']),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`),
})
