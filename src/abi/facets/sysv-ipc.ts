import { parseSysvTable } from '../../proc/sysv-ipc.ts'
import { byKey, movesWhenRunning } from '../compare.ts'
import { facet } from '../types.ts'

/** The host's own objects are not part of a workload. */
export const sysvIpc = facet<Readonly<Record<string, string>>>({
  name: 'sysv-ipc',
  title: 'System V segments, semaphores and queues of an own IPC namespace',
  manual: 'sysvipc(7)',
  scope: 'task',
  read(task) {
    if (!task.workload.isFirstInOwn('ipc', task)) return {}
    const view = task.workload.viewOf(task)
    return Object.fromEntries(
      (['shm', 'sem', 'msg'] as const).flatMap((table) =>
        parseSysvTable(view[table]).map(({ id, facts }) => [`${table} ${id}`, facts]),
      ),
    )
  },
  compare: movesWhenRunning('tasks that run make and remove objects', byKey()),
})
