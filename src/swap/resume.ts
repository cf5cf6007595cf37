import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LandingState, landingState, releaseLanding } from '../landing/landing.ts'
import type { Report } from '../report/report.ts'
import { finalReport } from './final-report.ts'
import { isBad, tellHooks, verifyHooks } from './hooks.ts'
import { type Entry, entryName, type Verdict } from './journal.ts'
import { runningKernel } from './kernels.ts'
import { clearLanding, discardImages, startCold, startRestarted } from './phases/settle.ts'
import { type Outcome, verify } from './phases/verify.ts'
import { preserved } from './plan.ts'
import { decide } from './recover.ts'
import { saveSnapshots } from './snapshots.ts'
import { bootId, forgetPending, listSwaps, openSwap, recordVerdict, type Swap } from './store.ts'
import { abort, phases, stepsNamed } from './swap.ts'

/** The journal's entries on the other side of the jump. */
const landedSteps = {
  verify: { kind: 'step', phase: 'verify', step: 'verify' },
  clearLanding: { kind: 'step', phase: 'settle', step: 'clear-landing' },
} as const satisfies Record<string, Entry>

/** Every entry that the journal of a swap holds if nothing fails, as `entryName` names them: what failure tests try. */
export const entryNames: readonly string[] = [
  ...phases.flatMap(({ name, steps }) =>
    steps.map((step) => entryName({ kind: 'step', phase: name, step: step.name })),
  ),
  ...Object.values(landedSteps).map(entryName),
  'verdict',
]

/**
 * Finishes what a jump or a crash left open. The landing's settle unit calls it at boot; calling it again does nothing.
 * @returns the report of the swap that was finished, undefined where there was none.
 */
export async function resume(): Promise<Report | undefined> {
  if ((await listSwaps()).length === 0) return undefined
  const swap = await openSwap()
  const boot = await bootId()
  const present = { boot, kernel: runningKernel(), landing: await landingState(boot) }
  const decision = decide(await swap.journal.read(), present)
  switch (decision.kind) {
    case 'nothing':
      await forgetPending()
      return undefined
    case 'undo':
      return abort(swap, stepsNamed(decision.steps), 'kernelswap was ended in the middle of the swap.')
    case 'settle':
      return settle(swap, decision.fellBack, present.landing)
    case 'lost':
      return settleLost(swap, decision.when)
  }
}

async function settle(swap: Swap, fellBack: boolean, landing: LandingState): Promise<Report> {
  await swap.journal.append(landedSteps.verify)
  await saveSnapshots(swap, 'after')
  // Strict, or the landing could not do it: the tasks have been held until here.
  if (landing === 'sealed') await releaseLanding()
  const found = await verify(swap)
  await swap.journal.append(landedSteps.clearLanding)
  await clearLanding(swap)
  // With the tasks running and the gate open: hooks ask the services themselves.
  const judged = await verifyHooks(swap, found)
  const outcomes = [...(await startCold(judged)), ...(await startRestarted(swap))]
  const verdict = verdictOf(swap, outcomes, fellBack)
  return conclude(swap, verdict, outcomes, await landingProblems(swap))
}

/** What was in memory is gone; the units started as on any boot. */
async function settleLost(swap: Swap, when: string): Promise<Report> {
  await swap.journal.append(landedSteps.clearLanding)
  await clearLanding(swap)
  const reason = `the machine went down ${when}`
  const gone = preserved(swap.plan).map(({ unit }): Outcome => ({ unit, outcome: 'lost', pid: 0, reason }))
  const outcomes = [...(await startCold(gone)), ...(await startRestarted(swap))]
  return conclude(swap, verdictOf(swap, outcomes, true), outcomes, [])
}

function verdictOf(swap: Swap, outcomes: readonly Outcome[], fellBack: boolean): Verdict {
  if (outcomes.some(({ outcome }) => outcome === 'lost')) return 'failed'
  const carried = new Set(preserved(swap.plan).map(({ unit }) => unit))
  if (outcomes.some(({ unit, outcome }) => outcome === 'cold' && carried.has(unit))) return 'degraded'
  if (outcomes.some(({ abi }) => abi !== undefined && abi.differences.length > 0)) return 'degraded'
  if (outcomes.some(({ hooks }) => hooks?.some(isBad))) return 'degraded'
  return fellBack ? 'fell-back' : 'swapped'
}

async function conclude(
  swap: Swap,
  verdict: Verdict,
  outcomes: readonly Outcome[],
  problems: readonly string[],
): Promise<Report> {
  const reasons = [
    ...problems,
    ...outcomes.flatMap(({ unit, reason }) => (reason ? [`${unit}: ${reason}.`] : [])),
  ]
  const reason = verdict === 'swapped' ? null : reasons.join(' ') || 'the new kernel did not come up'
  const report = await finalReport(swap, { verdict, reason, outcomes })
  if (verdict === 'swapped' || verdict === 'fell-back') await discardImages(swap)
  await recordVerdict(swap, report)
  // After the verdict: a hook that hangs must not hold it up.
  await tellHooks(swap, 'settled')
  return report
}

/** What the landing itself says went wrong. */
async function landingProblems(swap: Swap): Promise<string[]> {
  const log = await readFile(join(swap.directory, 'land.log'), 'utf8').catch(() => '')
  return [...log.matchAll(/^\S+ \S+ failed (.*)$/gm)].map(
    (match) => `The landing reports a failure: ${match[1]}.`,
  )
}
