import { byKey, combine, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import { stablePath } from '../normalise.ts'

type Mounts = Readonly<Record<string, string>>

/** Those of the host are the host's; a namespace that several tasks share is reported by the first. */
export const mounts = facet<Mounts>({
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
    const automounts = [before, after].flatMap((mounts) =>
      Object.keys(mounts).filter((key) => mounts[key]?.startsWith('autofs ')),
    )
    const whyPassing = (key: string) => passing.find(({ isIt }) => isIt(targetOf(key), automounts))?.reason
    const lasting = (mounts: Mounts) =>
      Object.fromEntries(Object.entries(mounts).filter(([key]) => whyPassing(key) === undefined))
    const reasons = Object.keys({ ...before, ...after })
      .filter((key) => before[key] !== after[key])
      .map(whyPassing)
    return combine([
      ...reasons.filter((reason) => reason !== undefined).map(explained),
      byKey()(lasting(before), lasting(after), setting),
    ])
  },
})

/** Without the layer. */
function targetOf(key: string): string {
  return key.replace(/ \(layer \d+\)$/, '')
}

/** Mounts that aren't the workload's own doing: systemd copies the host's into the service's view, and tells it of later ones. */
const passing: readonly {
  readonly reason: string
  readonly isIt: (target: string, automounts: readonly string[]) => boolean
}[] = [
  {
    reason: "other units' credentials come and go with these units",
    isIt: (target) => target.startsWith('/run/credentials/'),
  },
  {
    reason: 'the placeholder had to be executable until the restore',
    isIt: (target) => target === '/usr/bin/sleep',
  },
  {
    reason: 'runtime directories of users come and go with their logins',
    isIt: (target) => /^\/run\/user\/\d+(\/|$)/.test(target),
  },
  {
    reason: 'removable media come and go with whoever mounts them',
    isIt: (target) => /^(\/run)?\/media\//.test(target),
  },
  {
    reason: 'what an automount mounts comes and goes as it is used',
    isIt: (target, automounts) =>
      automounts.some((automount) => target === automount || target.startsWith(`${automount}/`)),
  },
]
