import { byKey } from '../compare.ts'
import { stablePath } from '../normalise.ts'
import { facet } from '../types.ts'

/** Those of the host are the host's; a namespace that several tasks share is reported by the first. */
export const mounts = facet<Readonly<Record<string, string>>>({
  name: 'mounts',
  title: 'mounts of an own mount namespace',
  manual: 'proc_pid_mountinfo(5)',
  scope: 'task',
  read(task) {
    if (!task.workload.isFirstInOwn('mnt', task)) return {}
    const result: Record<string, string> = {}
    for (const { target, type, root, options } of task.mounts) {
      let key = target
      for (let layer = 2; key in result; layer++) key = `${target} (layer ${layer})`
      result[key] = [type, stablePath(root).replace(/\[\d+\]$/, ''), options.join(',')].join(' ')
    }
    return result
  },
  compare: byKey(),
})
