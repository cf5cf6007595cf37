import { type OutageParts, outageParts } from '../../report/outage.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import type { Plan, WorkloadPlan } from '../plan.ts'
import { preserved } from '../plan.ts'
import { endedSwaps } from '../store.ts'

/** How long services are expected to stand still, and how many earlier swaps say so. */
export type Prediction = NonNullable<Plan['outage']>

/** An earlier swap: how long services stood still, and how much memory they had. */
export interface PastSwap extends OutageParts {
  readonly memoryBytes: number
}

/** Old swaps tell little of today's host. */
const swapsToAsk = 5

/**
 * Predicts the outage from the latest swaps of this host that reached their new kernel and were verified in the same
 * manner (held or not); null where there was none.
 */
export async function predictOutage(memoryBytes: number, strict: boolean): Promise<Prediction | null> {
  const found: PastSwap[] = []
  for await (const { swap, report } of endedSwaps()) {
    if (swap.plan.bundle || swap.plan.strict !== strict) continue
    if (!['swapped', 'degraded'].includes(report.verdict)) continue
    const memory = preserved(swap.plan).reduce((sum, workload) => sum + workload.memoryBytes, 0)
    found.push({ ...outageParts(report), memoryBytes: memory })
    if (found.length === swapsToAsk) break
  }
  return prediction(found, memoryBytes)
}

/**
 * The median of what earlier swaps took. Where there is more memory to write and read than there was, freeze and landing
 * take longer in proportion. Less is never said to be quicker: much of them doesn't depend on memory.
 */
export function prediction(past: readonly PastSwap[], memoryBytes: number): Prediction | null {
  const scaled = past
    .map((then) => then.fixed + then.growing * Math.max(1, memoryBytes / Math.max(1, then.memoryBytes)))
    .sort((a, b) => a - b)
  if (scaled.length === 0) return null
  const middle = scaled.length / 2
  const median = (scaled[Math.ceil(middle) - 1]! + scaled[Math.floor(middle)]!) / 2
  return { seconds: Math.round(median * 10) / 10, swaps: scaled.length }
}

/** What stops a swap that would take longer than it may, in seconds. */
export function outageObstacles(predicted: Prediction | null, limit: number | undefined): Obstacle[] {
  if (limit === undefined) return []
  if (predicted === null) {
    return [
      {
        code: 'outage-unknown',
        reason: `nobody knows whether services would stand still for more than ${limit} s: no swap has been measured here yet`,
        remedy: 'swap once without --max-outage',
      },
    ]
  }
  if (predicted.seconds <= limit) return []
  return [
    {
      code: 'outage-too-long',
      reason: `services are expected to stand still for ${predicted.seconds} s, which is more than ${limit} s`,
      remedy: 'carry fewer units (policy = "restart"), or raise --max-outage',
    },
  ]
}

/** What is taken back after this many times the expected duration had something else the matter than a busy host. */
const slack = 5
/** No host is so quick that less would be of use, in seconds. */
const shortestLimit = 120
/** What a slow disk takes, and a slow link to whoever evacuates, in bytes a second. */
const [diskRate, linkRate] = [100e6, 1e6]

/** How long services may stand still before all is taken back, from what is expected of them, in seconds. */
export function freezeLimit(expected: {
  readonly outage: Prediction | null
  readonly workloads: readonly Pick<WorkloadPlan, 'policy' | 'trialSeconds'>[]
  readonly memoryBytes: number
  readonly evacuate: boolean
}): number {
  const carried = expected.workloads.filter(({ policy }) => policy === 'preserve')
  const seconds = Math.max(
    expected.outage?.seconds ?? 0,
    carried.reduce((sum, { trialSeconds }) => sum + (trialSeconds ?? 1), 0),
    expected.memoryBytes / diskRate,
  )
  const evacuation = expected.evacuate ? expected.memoryBytes / linkRate + shortestLimit : 0
  return Math.ceil(Math.max(shortestLimit, slack * seconds) + evacuation)
}
