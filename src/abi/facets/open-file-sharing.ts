import { byKeyLoosely } from '../compare.ts'
import { facet } from '../facet.ts'

export const openFileSharing = facet<Readonly<Record<string, string>>>({
  name: 'open-file-sharing',
  title: 'descriptors that share one open file description, with its offset and flags',
  manual: 'kcmp(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptors.flatMap(({ fd }) => {
        const shared = task.workload.probed(`shared ${task.pid} ${fd}`)
        return shared ? [[String(fd), shared.with ?? '']] : []
      }),
    ),
  compare: byKeyLoosely('tasks that run open and close descriptors', (fd) => `fd ${fd} shares`),
})
