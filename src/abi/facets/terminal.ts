import { byCommonKey, byKey } from '../compare.ts'
import { facet } from '../types.ts'

export const terminal = facet<Readonly<Record<string, Readonly<Record<string, string>>>>>({
  name: 'terminal',
  title: 'terminal modes and window size',
  manual: 'termios(3)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(task.terminals.map(({ fd }) => [String(fd), task.probed('terminal', fd)])),
  compare: byCommonKey((fd) => `fd ${fd}`, byKey()),
})
