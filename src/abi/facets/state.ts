import { combine, explained, same } from '../compare.ts'
import { facet } from '../types.ts'

export const state = facet<{ zombie: boolean; stopped: boolean }>({
  name: 'state',
  title: 'alive, stopped or a zombie',
  manual: 'proc_pid_stat(5)',
  scope: 'task',
  read: (task) => ({ zombie: 'ZX'.includes(task.stat.state), stopped: 'Tt'.includes(task.stat.state) }),
  compare: (before, after, setting) =>
    combine([
      same<string>()(before.zombie ? 'zombie' : 'alive', after.zombie ? 'zombie' : 'alive', setting),
      ...(before.stopped === after.stopped ? [] : [explained('the swap itself stops tasks')]),
    ]),
})
