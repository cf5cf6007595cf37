import { parseKeyedLines } from '../../proc/keyed-lines.ts'
import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const pidfd = facet<Readonly<Record<string, string>>>({
  name: 'pidfd',
  title: 'processes that process descriptors refer to',
  manual: 'pidfd_open(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptorsOf('pidfd').map(({ fd, info }) => [String(fd), parseKeyedLines(info).get('Pid') ?? '']),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`),
})
