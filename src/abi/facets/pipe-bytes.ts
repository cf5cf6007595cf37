import { byCommonKey, movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'

export const pipeBytes = facet<Readonly<Record<string, string>>>({
  name: 'pipe-bytes',
  title: 'number of bytes waiting in pipes',
  manual: 'FIONREAD(2const)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.workload
        .firstHeld(task, 'pipe')
        .map(({ fd }) => [String(fd), task.probed('pipe', fd).bytes ?? '']),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`, movesWhenRunning('tasks that run read and write pipes')),
})
