import { combine, same } from '../compare.ts'
import { facet } from '../facet.ts'

export const state = facet<{ zombie: boolean; stopped: boolean }>({
  name: 'state',
  title: 'alive, stopped or a zombie',
  manual: 'proc_pid_stat(5)',
  scope: 'task',
  read: (task) => ({ zombie: 'ZX'.includes(task.stat.state), stopped: task.workload.isStopped(task) }),
  compare: (before, after, setting) =>
    combine([
      same<string>()(before.zombie ? 'zombie' : 'alive', after.zombie ? 'zombie' : 'alive', setting),
      // A task that has ended is no longer stopped.
      same<string>()(
        before.stopped && !after.zombie ? 'stopped' : 'not stopped',
        after.stopped ? 'stopped' : 'not stopped',
        setting,
      ),
    ]),
})
