import { Failure, isErrno, messageOf } from '../errors.ts'
import type { Report } from '../report/report.ts'
import { announce } from './announce.ts'
import { finalReport } from './final-report.ts'
import { tellHooks } from './hooks.ts'
import { freeze } from './phases/freeze.ts'
import { jump } from './phases/jump.ts'
import { discardImages, discardOldCheckpoints } from './phases/settle.ts'
import { stage } from './phases/stage.ts'
import type { Crossing, Phase, Step } from './step.ts'
import { noSpace, recordVerdict, releaseReserve, type Swap } from './store.ts'

/**
 * The way of a swap, on this side of the jump. Before it, `inspect` and `check` make the plan (phases/check.ts);
 * after it, the landing brings the services back without us (landing/static/land), and `kernelswap resume` verifies
 * and settles (resume.ts).
 */
export const phases: readonly Phase[] = [stage, freeze, jump]

/** Told as each step begins. */
export type Progress = (phase: string, step: string) => void

/**
 * Swaps the kernel. Returns only if it was aborted: then nothing was lost, and the report says why.
 *
 * A request to stop (`stopRequested`) is honoured between two steps, until the jump.
 */
export async function runSwap(swap: Swap, progress: Progress, stopRequested: () => boolean): Promise<Report> {
  const crossing: Crossing = { swap, passengers: [], lastPid: 0, sums: new Map(), gate: '', sealed: [] }
  const begun: Step[] = []
  try {
    await discardOldCheckpoints(swap)
    for (const phase of phases) {
      for (const step of phase.steps) {
        if (step.isAsked && !step.isAsked(swap.plan)) continue
        if (stopRequested()) throw new Failure('failed', 'It was asked to stop.')
        await swap.journal.append({ kind: 'step', phase: phase.name, step: step.name })
        progress(phase.name, step.name)
        begun.push(step)
        await step.do(crossing)
      }
    }
    throw new Failure('failed', 'internal error: the jump returned')
  } catch (error) {
    crossing.probe?.dismiss()
    return await abort(swap, begun, reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  return isErrno(error, 'ENOSPC', 'EDQUOT') ? noSpace : messageOf(error)
}

/** Takes back the steps that were begun, the last one first, and records the verdict. */
export async function abort(swap: Swap, begun: readonly Step[], reason: string): Promise<Report> {
  await releaseReserve(swap)
  const failures = await undo(swap, begun)
  await swap.journal.append({ kind: 'error', message: reason })
  const report = await finalReport(swap, {
    verdict: failures.length === 0 ? 'aborted' : 'failed',
    reason: [reason, ...failures].join(' '),
  })
  await discardImages(swap.directory)
  await recordVerdict(swap, report)
  // After the verdict: a hook that hangs must not hold it up.
  await tellHooks(swap, 'aborted')
  await announce(swap, report)
  return report
}

/** One failing undo doesn't keep the others from being tried: thawing matters more than unloading a kernel. */
async function undo(swap: Swap, begun: readonly Step[]): Promise<string[]> {
  const failures: string[] = []
  for (const step of begun.toReversed()) {
    try {
      await step.undo?.(swap)
      await swap.journal.append({ kind: 'undo', step: step.name })
    } catch (error) {
      failures.push(`Taking back ${step.name} failed: ${messageOf(error)}.`)
    }
  }
  return failures
}

/** The steps of these names, in the order of the swap. */
export function stepsNamed(names: readonly string[]): Step[] {
  return phases.flatMap(({ steps }) => steps).filter(({ name }) => names.includes(name))
}
