import * as z from 'zod'
import { type Report, reportSchema } from '../../report/report.ts'
import type { Plan } from '../../swap/plan.ts'
import { type Obstacle, obstacleSchema } from '../../workload/obstacle.ts'
import { type Likeness, secretsOf } from './likeness.ts'

/** What a swap would make of a unit: it stays as it is, it has to be adopted first, or it can't come along. */
const outcomeSchema = z.enum(['preserved', 'needs-adopt', 'cannot'])

const unitPredictionSchema = z.object({
  unit: z.string(),
  outcome: outcomeSchema,
  /** Null for what was compared and is preserved. */
  reason: z.string().nullable(),
})
export type UnitPrediction = z.infer<typeof unitPredictionSchema>

/** What a swap would do on a host, by a swap of a machine like it; what `rehearse --like --json` prints. */
export const predictionSchema = z.object({
  schema: z.literal('kernelswap.prediction/1'),
  host: z.string(),
  kernel: z.object({ from: z.string(), to: z.string() }),
  units: z.array(unitPredictionSchema),
  /** What stops a swap of the host itself, whatever the units. */
  obstacles: z.array(obstacleSchema),
  /** In what the machine isn't like the host. */
  notes: z.array(z.string()),
  /** Files that not everybody on the host may read, and the folder here that has them now. */
  secrets: z.object({ folder: z.string(), files: z.array(z.string()) }),
  /** How the swap of the machine went; null where none was begun. */
  report: reportSchema.nullable(),
})
export type Prediction = z.infer<typeof predictionSchema>

/** What was seen in a machine like the host. */
export interface Seen {
  /** Why units did not take part in the swap. */
  readonly obstacles: ReadonlyMap<string, string>
  /** What units were adopted for. */
  readonly adopted: ReadonlyMap<string, string>
  /** How the swap of all others went; undefined where none was left. */
  readonly report: Report | undefined
}

/** Puts together what was seen, a sentence for each unit. */
export function predictUnits(
  units: readonly string[],
  { obstacles, adopted, report }: Seen,
): UnitPrediction[] {
  return units.map((unit) => {
    const reason = obstacles.get(unit) ?? damage(unit, report)
    if (reason !== undefined) return { unit, outcome: 'cannot', reason }
    const adoption = adopted.get(unit)
    const left = wasCompared(unit, report) ? [] : ['what it was before and what it is now were not compared']
    if (adoption !== undefined)
      return { unit, outcome: 'needs-adopt', reason: [adoption, ...left].join('; ') }
    return { unit, outcome: 'preserved', reason: left[0] ?? null }
  })
}

/**
 * Units that a plan doesn't carry, and why; all, where the host itself is refused.
 * @param mended units whose obstacle is out of the way since
 */
export function refusalsIn(plan: Plan, mended: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  return new Map(
    plan.workloads.flatMap(({ unit, policy, obstacles }) => {
      const [obstacle] = [...plan.host, ...(mended.has(unit) ? [] : obstacles)]
      if (policy !== 'preserve') return [[unit, `its policy is "${policy}"`]]
      return obstacle ? [[unit, sentence(obstacle)]] : []
    }),
  )
}

/** Units that the host's own plan refuses, and why: what it sees, such as clients on a unix socket, no copy has. */
export function refusalsThere({ host, obstacles }: Likeness): Map<string, string> {
  // The first obstacle of a unit is the one to mend first, and the last entry of a map's is the one that counts.
  return new Map(
    obstacles.units.toReversed().map((obstacle) => [obstacle.unit, `on ${host}: ${sentence(obstacle)}`]),
  )
}

function sentence({ reason, remedy }: Obstacle): string {
  return `${reason}; remedy: ${remedy}`
}

function wasCompared(unit: string, report: Report | undefined): boolean {
  return report?.workloads.some((each) => each.unit === unit && each.abi !== null) ?? false
}

function damage(unit: string, report: Report | undefined): string | undefined {
  if (report === undefined) return 'no swap was begun'
  const workload = report.workloads.find((each) => each.unit === unit)
  if (workload === undefined) return report.reason ?? 'the report does not know it'
  if (report.verdict === 'aborted' || report.verdict === 'fell-back')
    return workload.reason ?? `the swap ${report.verdict}: ${report.reason}`
  if (workload.outcome !== 'preserved') return workload.reason ?? `it came back ${workload.outcome}`
  const [difference] = workload.abi?.differences ?? []
  if (difference) return `it came back with another ${difference.facet}: ${difference.line}`
  const hook = workload.hooks.find(({ outcome }) => outcome === 'differs' || outcome === 'broken')
  return hook && `its hook ${hook.hook} says: ${hook.reason ?? hook.outcome}`
}

/**
 * Puts the whole together.
 * @param folder has the copied files
 * @param notes what else isn't like the host
 */
export function predictionOf(
  likeness: Likeness,
  kernel: Prediction['kernel'],
  seen: Seen,
  folder: string,
  notes: readonly string[],
): Prediction {
  const names = likeness.units.map(({ name }) => name)
  const refusesItself = (obstacle: Obstacle) =>
    `${likeness.host} itself refuses any swap as it is: ${sentence(obstacle)}`
  return {
    schema: 'kernelswap.prediction/1',
    host: likeness.host,
    kernel,
    units: predictUnits(names, seen),
    obstacles: likeness.obstacles.host,
    notes: [...likeness.obstacles.host.map(refusesItself), ...likeness.notes, ...notes],
    secrets: { folder, files: secretsOf(likeness) },
    report: seen.report ?? null,
  }
}
