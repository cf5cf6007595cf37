import type { PlannedGroup } from '../swap/accounting.ts'
import type { Plan } from '../swap/plan.ts'
import { groupClasses } from '../workload/account.ts'
import { sizeText, table } from './output.ts'

/** A plan for people, line by line. */
export function planText(plan: Plan): string[] {
  const rows = plan.workloads.map((workload) => {
    const [obstacle, because] = [workload.obstacles[0], workload.notCarried?.[0]]
    return [
      workload.unit,
      String(workload.processes),
      sizeText(workload.memoryBytes),
      String(workload.connections),
      workload.policy === 'preserve' ? workload.verdict : workload.policy,
      obstacle
        ? `${obstacle.reason}; remedy: ${obstacle.remedy}`
        : because
          ? `loses what it has in memory: ${because.reason}`
          : (workload.notes ?? []).join('; '),
    ]
  })
  const host = plan.host.map(({ reason, remedy }) => `host: ${reason}; remedy: ${remedy}`)
  return [
    `${plan.kernel.from} → ${plan.kernel.to}`,
    '',
    ...table([['UNIT', 'PROCESSES', 'MEMORY', 'TCP', 'VERDICT', 'REASON'], ...rows]),
    '',
    ...host,
    ...groups(plan),
    ...mounts(plan),
    ...fallback(plan),
    ...outage(plan),
    plan.ready ? 'ready' : 'refused',
  ]
}

function fallback({ fallback: found }: Plan): string[] {
  return found ? [`if the new kernel panics: ${found.loader} starts ${found.entry}`] : []
}

function outage({ outage: predicted, freezeSeconds }: Plan): string[] {
  const limit =
    freezeSeconds === undefined
      ? []
      : [`given up where they stand still for ${freezeSeconds} s before the jump`]
  if (!predicted)
    return ['services stand still for an unknown time: no swap has been measured here yet', ...limit]
  const { seconds, swaps } = predicted
  return [
    `services stand still for about ${seconds} s, by the last ${swaps === 1 ? 'swap' : `${swaps} swaps`} of this host`,
    ...limit,
  ]
}

const classNames: Readonly<Record<PlannedGroup['class'], string>> = {
  carried: 'carried',
  restarted: 'stopped and started',
  platform: 'platform, begins afresh',
  session: 'sessions',
  container: 'containers and guests',
  unknown: 'nothing known',
}

/** All processes of the host, by what becomes of them; those that nothing can be said of at once are named. */
function groups({ groups: found = [], workloads }: Plan): string[] {
  if (found.length === 0) return []
  const listed = new Set(workloads.map(({ unit }) => unit))
  const rows = groupClasses.flatMap((kind) => {
    const own = found.filter((group) => group.class === kind)
    if (own.length === 0) return []
    const processes = own.reduce((sum, group) => sum + group.processes, 0)
    const named = kind === 'platform' ? [] : own.filter(({ name }) => !listed.has(name))
    return [[classNames[kind], String(own.length), String(processes), named.map(nameOf).join(', ')]]
  })
  return [...table([['ALL THAT RUNS', 'GROUPS', 'PROCESSES', 'NAMES'], ...rows]), '']
}

function mounts({ mounts: found = [] }: Plan): string[] {
  return found.map(({ where, what, type, comesBack }) => {
    const fate = comesBack ? 'is mounted again by the boot' : 'is not mounted again'
    return `${where} (${type}, ${what}) ${fate}`
  })
}

function nameOf({ name, loses, isAgreed, isOurs }: PlannedGroup): string {
  const notes = [...(isOurs ? ['this one'] : []), ...(loses !== null && isAgreed ? [`ends ${loses}`] : [])]
  return notes.length === 0 ? name : `${name} (${notes.join('; ')})`
}
