import { loadConfiguration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { withLock } from '../swap/lock.ts'
import { makePlan } from '../swap/phases/check.ts'
import type { Request } from '../swap/plan.ts'
import { createSwap, readReport, type Swap } from '../swap/store.ts'
import { runInUnit, stopUnit } from '../swap/unit.ts'
import { confirm } from './confirm.ts'
import type { Output } from './output.ts'
import { planText } from './plan.ts'

/** Plans a swap, asks unless told not to, and follows it until it was aborted; where it wasn't, the jump ends us too. */
export async function swapKernel(request: Request, ask: boolean, output: Output): Promise<void> {
  const swap = await withLock(() => planSwap(request, ask, output))
  if (swap) await follow(swap, output)
}

/** Undefined where the plan refuses. */
async function planSwap(request: Request, ask: boolean, output: Output): Promise<Swap | undefined> {
  const plan = await makePlan(request, await loadConfiguration(), output.say)
  if (!plan.ready) {
    output.result(plan, planText(plan))
    process.exitCode = 3
    return undefined
  }
  if (ask) await confirm(`${planText(plan)}\n\nSwap the kernel now?`)
  return createSwap(plan)
}

async function follow(swap: Swap, output: Output): Promise<void> {
  process.on('SIGINT', () => void stopUnit())
  process.on('SIGTERM', () => void stopUnit())
  await runInUnit(swap, output.say)
  const report = await readReport(swap)
  if (!report)
    throw new Failure(
      'failed',
      `Swap ${swap.id} ended without a report; \`kernelswap resume\` takes it back.`,
    )
  output.result(report, reportText(report))
  process.exitCode = 1
}
