import { Failure } from '../errors.ts'
import { goBack } from '../landing/landing.ts'
import { runningKernel } from '../os/kernel-release.ts'
import type { Verdict } from './journal.ts'
import { type Plan, preserved, type Request, restarted } from './plan.ts'
import { findPending, refuseForeignLanding } from './resume.ts'
import { endedSwaps } from './store.ts'

/** Verdicts of swaps that ended on their new kernel. */
const arrived: readonly Verdict[] = ['swapped', 'degraded', 'failed']

/**
 * What to ask for to get back to the kernel before, with the same units as they are now.
 * @throws Failure 'refused' where the running kernel is not one that a swap went to.
 */
export async function requestOfWayBack(strict: boolean): Promise<Request> {
  const plan = await planOfArrival()
  if (plan?.kernel.to !== runningKernel()) {
    throw new Failure(
      'refused',
      `No swap brought the running kernel ${runningKernel()}; \`kernelswap run --kernel VERSION\` goes to any other.`,
    )
  }
  return {
    units: preserved(plan).map(({ unit }) => unit),
    restart: restarted(plan).map(({ unit }) => unit),
    kernel: plan.kernel.from,
    trial: true,
    strict,
    isWayBack: true,
  }
}

async function planOfArrival(): Promise<Plan | undefined> {
  for await (const { swap, report } of endedSwaps()) {
    if (!swap.plan.bundle && arrived.includes(report.verdict)) return swap.plan
  }
  return undefined
}

/**
 * Jumps back from a landing whose restored units still wait. Does nothing where there is none.
 * @throws Failure 'refused' where it is the kernel before already.
 */
export async function returnFromLanding(): Promise<void> {
  const pending = await findPending()
  if (pending?.decision.kind !== 'settle' || pending.present.landing !== 'sealed') return
  await refuseForeignLanding(pending.swap)
  if (pending.decision.fellBack) {
    throw new Failure(
      'refused',
      'This is the kernel before already; `kernelswap resume` or `abandon` goes on.',
    )
  }
  await pending.swap.journal.append({ kind: 'error', message: 'It was told to go back.' })
  await goBack()
}
