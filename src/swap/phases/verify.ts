import type { AbiResult } from '../../abi/diff.ts'
import { sealComplaint } from '../../archive/manifest.ts'
import type { Deadline } from '../../deadline.ts'
import { messageOf } from '../../errors.ts'
import type { HookResult } from '../../hooks/types.ts'
import { imagesOf } from '../../workload/images.ts'
import { supervisionOf } from '../../workload/kinds.ts'
import { continueAll, heldTasks } from '../../workload/stops.ts'
import type { Supervision } from '../../workload/workload.ts'
import { preserved, unitsOf, type WorkloadPlan } from '../plan.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { compareSnapshots } from '../verify/snapshots.ts'

/** How one workload came out of a swap. */
export interface WorkloadOutcome {
  readonly unit: string
  readonly outcome: 'preserved' | 'cold' | 'lost'
  readonly pid: number
  readonly reason: string | null
  /** What the comparison of its ABI snapshots came to, where there are two. */
  readonly abi?: AbiResult | undefined
  /** What its hooks found, where they were asked. */
  readonly hooks?: readonly HookResult[]
}

/**
 * Looks at every preserved workload: it runs again, with the process that was checkpointed.
 * @param limit past it what is left isn't compared, since the tasks wait for it
 */
export async function verify(swap: Swap, limit?: Deadline): Promise<WorkloadOutcome[]> {
  const workloads = preserved(swap.plan)
  const now = await supervisionOf(unitsOf(workloads))
  return Promise.all(workloads.map((workload, index) => verifyOne(swap, workload, now[index]!, limit)))
}

async function verifyOne(
  swap: Swap,
  workload: WorkloadPlan,
  now: Supervision,
  limit: Deadline | undefined,
): Promise<WorkloadOutcome> {
  const { unit, mainPid, controlGroup } = workload
  const { mainPid: pid } = now
  const intact = now.isActive && pid === mainPid && now.controlGroup === controlGroup
  if (intact) {
    return { unit, outcome: 'preserved', pid, ...(await compare(swap, unit, limit)) }
  }
  return {
    unit,
    outcome: 'lost',
    pid,
    reason: await restoreProblem(swap, unit, now.state),
  }
}

/**
 * Looks whether the tasks of what came back all run that ran before, once they were released; wakes what doesn't. A task that
 * is stopped all the same is told: its service must not pass for one that goes on.
 */
export async function verifyRunning(
  swap: Swap,
  outcomes: readonly WorkloadOutcome[],
): Promise<WorkloadOutcome[]> {
  return Promise.all(
    outcomes.map(async (outcome) => {
      if (outcome.outcome !== 'preserved') return outcome
      const checkpoint = checkpointDirectory(swap, outcome.unit)
      continueAll(await heldTasks(checkpoint))
      const held = await heldTasks(checkpoint)
      if (held.length === 0) return outcome
      const stopped = `PID ${held.join(', ')} is stopped, and was not before`
      return { ...outcome, reason: [outcome.reason, stopped].filter(Boolean).join('; ') }
    }),
  )
}

/** What keeps a comparison from being made must not keep the tasks from going on: it is told with the verdict. */
async function compare(
  swap: Swap,
  unit: string,
  limit: Deadline | undefined,
): Promise<Pick<WorkloadOutcome, 'reason' | 'abi'>> {
  try {
    limit?.check()
    const abi = await compareSnapshots(swap, unit)
    return { reason: abi ? differenceLine(abi) : null, abi }
  } catch (error) {
    return { reason: `it could not be compared with what it was: ${messageOf(error)}` }
  }
}

/** Why a workload is not back, in words; `state` is what systemd says of it. */
export async function restoreProblem(swap: Swap, unit: string, state: string): Promise<string> {
  const checkpoint = checkpointDirectory(swap, unit)
  const damage = await sealComplaint(checkpoint)
  if (damage) return `its checkpoint was damaged: ${damage}`
  const images = imagesOf(checkpoint)
  const errors = [...(await images.errors('restore-again')), ...(await images.errors('restore'))]
  return errors[0] ? `CRIU could not restore it: ${errors[0]}` : `it was not restored: the unit is ${state}`
}

function differenceLine({ differences }: AbiResult): string | null {
  const first = differences[0]
  if (!first) return null
  const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : ''
  return `${first.facet} of ${first.task} differs: ${first.line}${more}`
}
