import { parseKeyedLines } from '../../proc/keyed-lines.ts'
import { bits, byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const signalfd = facet<Readonly<Record<string, string>>>({
  name: 'signalfd',
  title: 'signals that signal descriptors take',
  manual: 'signalfd(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task
        .descriptorsOf('signalfd')
        .map(({ fd, info }) => [String(fd), parseKeyedLines(info).get('sigmask') ?? '0']),
    ),
  compare: byCommonKey((fd) => `fd ${fd} signal`, bits(1)),
})
