import { byKey, combine, explained, isSame } from '../compare.ts'
import { facet } from '../facet.ts'
import { stablePath } from '../normalise.ts'

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
  compare: (before, after, setting) => {
    const reasons = Object.entries(comesAndGoes).flatMap(([reason, target]) => {
      const among = (value: Readonly<Record<string, string>>) =>
        Object.keys(value).filter((key) => target.test(key))
      return isSame(among(before), among(after)) ? [] : [explained(reason)]
    })
    return combine([...reasons, byKey()(lasting(before), lasting(after), setting)])
  },
})

/** Mounts that aren't the workload's own doing, by why they are there or not. */
const comesAndGoes: Readonly<Record<string, RegExp>> = {
  "other units' credentials come and go with these units": /^\/run\/credentials\//,
  'the placeholder had to be executable until the restore': /^\/usr\/bin\/sleep$/,
}

function lasting(value: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const patterns = Object.values(comesAndGoes)
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !patterns.some((pattern) => pattern.test(key))),
  )
}
