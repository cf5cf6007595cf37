import type { Plan } from '../swap/plan.ts'
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
    ...leftBehind(plan),
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

function leftBehind({ leftBehind: units = [] }: Plan): string[] {
  if (units.length === 0) return []
  return [
    `left behind: ${units.join(', ')}: ends with the old kernel without being stopped; name it, or --restart it`,
  ]
}
