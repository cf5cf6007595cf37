import type { Descriptor } from '../../proc/descriptors.ts'
import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'
import type { TaskReader } from '../readers.ts'

/** Numbers of sockets and pipes change; which descriptors of which tasks refer to the same one doesn't. */
export const fdSharing = facet<Readonly<Record<string, string>>>({
  name: 'fd-sharing',
  title: 'descriptors that share one pipe or socket',
  manual: 'pipe(7)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task
        .descriptorsOf('pipe', 'socket')
        .map((descriptor) => [String(descriptor.fd), sharing(task, descriptor)]),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`),
})

function sharing(task: TaskReader, descriptor: Descriptor): string {
  const holder = task.workload.holder(descriptor)
  return holder === `${task.pid}/${descriptor.fd}` ? `its own ${descriptor.kind}` : `that of ${holder}`
}
