import type { AbiResult } from '../../abi/diff.ts'
import { sealComplaint } from '../../archive/manifest.ts'
import type { Deadline } from '../../deadline.ts'
import { messageOf } from '../../errors.ts'
import type { HookResult } from '../../hooks/types.ts'
import { checkpointFile } from '../../layout.ts'
import { logErrors } from '../../tools/criu.ts'
import { type Properties, showUnits } from '../../tools/systemd.ts'
import { continueAll, heldTasks } from '../../workload/stops.ts'
import { preserved, type WorkloadPlan } from '../plan.ts'
import { compareSnapshots } from '../snapshots.ts'
import { checkpointDirectory, type Swap } from '../store.ts'

/** How one workload came out of a swap. */
export interface Outcome {
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
 * Looks at every preserved workload: its unit runs again, with the process that was checkpointed.
 * @param limit past it what is left isn't compared, since the tasks wait for it
 */
export async function verify(swap: Swap, limit?: Deadline): Promise<Outcome[]> {
  const workloads = preserved(swap.plan)
  const units = workloads.map(({ unit }) => unit)
  const shown = await showUnits(units, ['ActiveState', 'SubState', 'MainPID', 'ControlGroup'])
  return Promise.all(workloads.map((workload, index) => verifyOne(swap, workload, shown[index]!, limit)))
}

async function verifyOne(
  swap: Swap,
  workload: WorkloadPlan,
  now: Properties,
  limit: Deadline | undefined,
): Promise<Outcome> {
  const { unit, mainPid, controlGroup } = workload
  const pid = Number(now.MainPID)
  const intact = now.ActiveState === 'active' && pid === mainPid && now.ControlGroup === controlGroup
  if (intact) {
    return { unit, outcome: 'preserved', pid, ...(await compare(swap, unit, limit)) }
  }
  return {
    unit,
    outcome: 'lost',
    pid,
    reason: await restoreProblem(swap, unit, `${now.ActiveState} (${now.SubState})`),
  }
}

/**
 * Looks whether the tasks of what came back all run that ran before, once they were released; wakes what doesn't. A task that
 * is stopped all the same is told: its service must not pass for one that goes on.
 */
export async function verifyRunning(swap: Swap, outcomes: readonly Outcome[]): Promise<Outcome[]> {
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
): Promise<Pick<Outcome, 'reason' | 'abi'>> {
  try {
    limit?.check()
    const abi = await compareSnapshots(swap, unit)
    return { reason: abi ? differenceLine(abi) : null, abi }
  } catch (error) {
    return { reason: `it could not be compared with what it was: ${messageOf(error)}` }
  }
}

/** Why a unit is not back, in words; `state` is what systemd says of it. */
export async function restoreProblem(swap: Swap, unit: string, state: string): Promise<string> {
  const checkpoint = checkpointDirectory(swap, unit)
  const damage = await sealComplaint(checkpoint)
  if (damage) return `its checkpoint was damaged: ${damage}`
  const errors = [
    ...(await logErrors(checkpointFile(checkpoint, 'images/restore-again.log'))),
    ...(await logErrors(checkpointFile(checkpoint, 'images/restore.log'))),
  ]
  return errors[0] ? `CRIU could not restore it: ${errors[0]}` : `it was not restored: the unit is ${state}`
}

function differenceLine({ differences }: AbiResult): string | null {
  const first = differences[0]
  if (!first) return null
  const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : ''
  return `${first.facet} of ${first.task} differs: ${first.line}${more}`
}
