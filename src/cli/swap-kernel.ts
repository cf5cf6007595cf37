import { loadConfiguration } from '../config/configuration.ts'
import { Failure, messageOf } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { assignFleetLock, releaseFleetLock, takeFleetLock } from '../swap/announce/fleet-lock.ts'
import { keepRebootRequest } from '../swap/announce/reboot-required.ts'
import { withLock } from '../swap/lock.ts'
import { makePlan } from '../swap/phases/check.ts'
import type { Plan, Request } from '../swap/plan.ts'
import { refuseIfPending } from '../swap/resume.ts'
import { createSwap, readReport, type Swap } from '../swap/store.ts'
import { runInUnit, stopUnit } from '../swap/unit.ts'
import { agree } from './confirm.ts'
import { sayDamaged } from './damaged.ts'
import { untilInterrupted } from './interruption.ts'
import type { Output } from './output.ts'
import { planText } from './plan-text.ts'

/** A swap that didn't get to its jump: the plan refused it, or it was aborted. */
export type Stayed =
  | { readonly kind: 'refused'; readonly plan: Plan }
  | { readonly kind: 'aborted'; readonly swap: Swap }

/** Plans a swap, asks unless told not to, and follows it until it was aborted; where it wasn't, the jump ends us too. */
export async function swapKernel(request: Request, mustAgree: boolean, output: Output): Promise<Stayed> {
  const planned = await withLock(() => planSwap(request, mustAgree, output))
  if ('kind' in planned) return planned
  await follow(planned, output)
  return { kind: 'aborted', swap: planned }
}

/** First of all the place among other hosts: while they have it, no service is held still for a trial. */
async function planSwap(
  request: Request,
  mustAgree: boolean,
  output: Output,
): Promise<Swap | Extract<Stayed, { kind: 'refused' }>> {
  await refuseIfPending()
  await sayDamaged(output.say)
  const configuration = await loadConfiguration()
  await takeFleetLock(configuration['fleet-lock'])
  let swap: Swap | undefined
  try {
    const plan = await untilInterrupted(async (signal) => {
      const plan = await makePlan(request, configuration, output.tell, signal)
      if (plan.ready) output.tell({ kind: 'plan', plan })
      if (mustAgree && plan.ready)
        await agree('Swap the kernel now?', output, [...planText(plan), ''], signal)
      return plan
    })
    if (!plan.ready) {
      output.conclude({ kind: 'plan', plan }, planText(plan))
      process.exitCode = 3
      return { kind: 'refused', plan }
    }
    swap = await begin(plan, request.isWayBack ?? false)
    return swap
  } finally {
    if (swap === undefined) await releaseFleetLock().catch((error: unknown) => output.say(messageOf(error)))
  }
}

async function begin(plan: Plan, isWayBack: boolean): Promise<Swap> {
  const swap = await createSwap(plan)
  await keepRebootRequest(swap.directory)
  await assignFleetLock(swap.id, isWayBack)
  return swap
}

async function follow(swap: Swap, output: Output): Promise<void> {
  process.on('SIGINT', () => void stopUnit())
  process.on('SIGTERM', () => void stopUnit())
  await runInUnit(swap, output.tell)
  const report = await readReport(swap)
  if (!report) throw await withoutReport(swap)
  output.conclude({ kind: 'report', report }, reportText(report))
  process.exitCode = 1
}

/** What keeps a swap from being taken back is in its journal, where that could be written. */
async function withoutReport(swap: Swap): Promise<Failure> {
  const lines = await swap.journal.read()
  const told = lines.findLast((line) => line.kind === 'error')
  if (told?.kind === 'error') return new Failure('operator', told.message)
  return new Failure('failed', `Swap ${swap.id} ended without a report; \`kernelswap resume\` takes it back.`)
}
