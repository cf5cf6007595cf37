import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

/** O_CLOEXEC included: fdinfo shows it although fcntl(2) F_GETFL doesn't. */
export const fdFlags = facet<Readonly<Record<string, string>>>({
  name: 'fd-flags',
  title: 'access mode, status flags and close-on-exec of descriptors, octal',
  manual: 'proc_pid_fdinfo(5)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(task.descriptors.map(({ fd, flags }) => [String(fd), flags.toString(8)])),
  compare: byCommonKey((fd) => `fd ${fd}`),
})
