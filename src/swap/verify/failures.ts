import { Failure } from '../../errors.ts'
import { goBack, hasLanded, restoreUnits } from '../../landing/landing.ts'
import { killWorkloads, stopWorkloads, supervisionOf } from '../../workload/kinds.ts'
import { restoreProblem, type WorkloadOutcome } from '../phases/verify.ts'
import { preserved, type WorkloadPlan } from '../plan.ts'
import type { Swap } from '../store.ts'
import { isBad } from './hooks.ts'

/** True for a workload that came back with other state than it left with, or that a hook complains of. */
export function isDamaged({ abi, hooks }: WorkloadOutcome): boolean {
  return (abi !== undefined && abi.differences.length > 0) || (hooks?.some(isBad) ?? false)
}

/**
 * Tries once more to restore the units that everything else waits for (`on-restore-failure = "stop"`).
 * @throws Failure 'operator' where one still isn't back.
 */
export async function restoreMissing(swap: Swap): Promise<void> {
  const wanted = preserved(swap.plan).filter(({ onRestoreFailure }) => onRestoreFailure === 'stop')
  const missing = () => wanted.map(({ unit }) => unit).filter((unit) => !hasLanded(unit))
  // How it ends is asked of the units below.
  await restoreUnits(missing()).catch(() => {})
  const [unit] = missing()
  if (unit === undefined) return
  const [now] = await supervisionOf([unit])
  throw new Failure(
    'operator',
    `${missing().join(', ')} could not be restored (${await restoreProblem(swap, unit, now!.state)}), and ` +
      `every restored unit waits for you: \`kernelswap resume\` tries again, \`kernelswap back\` returns to ` +
      `${swap.plan.kernel.from} with the checkpoint, \`kernelswap abandon\` starts what is missing cold and lets the rest go on.`,
  )
}

/** Returns to the kernel before where a unit that asks for it was damaged; then this call never ends. */
export async function goBackIfDamaged(swap: Swap, outcomes: readonly WorkloadOutcome[]): Promise<void> {
  const damaged = outcomes.find((outcome) => wantsBack(swap, outcome))
  if (!damaged) return
  const message = `${damaged.unit} came back damaged on ${swap.plan.kernel.to}: ${damaged.reason}.`
  await swap.journal.append({ kind: 'error', message })
  await goBack()
}

/**
 * Ends damaged units that are to start cold; they count as lost until `startCold` has started them. While they are held
 * they are killed: a stopped task can't answer SIGTERM, and must not run again.
 */
export async function endDamaged(
  swap: Swap,
  outcomes: readonly WorkloadOutcome[],
  isHeld: boolean,
): Promise<WorkloadOutcome[]> {
  const isEnded = (outcome: WorkloadOutcome) => isDamagedWith('cold', swap, outcome)
  const units = outcomes.filter(isEnded).map(({ unit }) => unit)
  await (isHeld ? killWorkloads(units) : stopWorkloads(units))
  return outcomes.map((outcome) => (isEnded(outcome) ? { ...outcome, outcome: 'lost' } : outcome))
}

/** True for a damaged unit that wants the kernel before (`on-verify-failure = "back"`). */
export function wantsBack(swap: Swap, outcome: WorkloadOutcome): boolean {
  return isDamagedWith('back', swap, outcome)
}

function isDamagedWith(
  policy: WorkloadPlan['onVerifyFailure'],
  { plan }: Swap,
  outcome: WorkloadOutcome,
): boolean {
  const workload = plan.workloads.find(({ unit }) => unit === outcome.unit)
  return outcome.outcome === 'preserved' && isDamaged(outcome) && workload?.onVerifyFailure === policy
}
