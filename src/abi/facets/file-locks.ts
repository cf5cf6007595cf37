import { parseFdLocks } from '../../proc/fdinfo-kinds.ts'
import { byKeyLoosely } from '../compare.ts'
import { facet } from '../facet.ts'

export const fileLocks = facet<Readonly<Record<string, readonly string[]>>>({
  name: 'file-locks',
  title: 'file locks held: POSIX, flock, open file description, leases',
  manual: 'proc_locks(5)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptors
        .map(({ fd, info }) => [String(fd), parseFdLocks(info)])
        .filter(([, locks]) => locks!.length > 0),
    ),
  compare: byKeyLoosely('tasks that run lock and unlock files', (fd) => `fd ${fd}`),
})
