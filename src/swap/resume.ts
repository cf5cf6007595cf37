import { readFile } from 'node:fs/promises'
import { Deadline } from '../deadline.ts'
import { Failure, ifMissing, messageOf } from '../errors.ts'
import { isThere } from '../files.ts'
import {
  isReleaseDone,
  landingLayout,
  landingState,
  landingSwap,
  landingUnit,
  releaseLanding,
  settleUnit,
} from '../landing/landing.ts'
import { layoutVersion, swapFile } from '../layout.ts'
import { paths } from '../paths.ts'
import type { Report } from '../report/report.ts'
import { awaitUnits, daemonReload } from '../tools/systemd.ts'
import { announce } from './announce/announce.ts'
import type { Tell } from './event.ts'
import { isJumpOf } from './host/kernels.ts'
import { type Entry, entryName, isGood, type JournalLine, type Verdict } from './journal.ts'
import { causeOfEnd, endLimit, limitOf, startLimit, within } from './limit.ts'
import { clearLanding, discardImages, startCold, startRestarted } from './phases/settle.ts'
import { verify, verifyRunning, type WorkloadOutcome } from './phases/verify.ts'
import { preserved } from './plan.ts'
import { type Decision, decide, type Present } from './recover.ts'
import { finalReport } from './report/final-report.ts'
import {
  bootId,
  damageOf,
  forgetPending,
  notedPending,
  openSwap,
  openSwaps,
  pendingNote,
  recordVerdict,
  type Swap,
} from './store.ts'
import { abort, phases, stepsNamed } from './swap.ts'
import { clearTrials } from './trials.ts'
import { endDamaged, goBackIfDamaged, isDamaged, restoreMissing, wantsBack } from './verify/failures.ts'
import { tellHooks, verifyHooks } from './verify/hooks.ts'
import { saveSnapshots } from './verify/snapshots.ts'

/** The journal's entries on the other side of the jump. */
const landedSteps = {
  verify: { kind: 'step', phase: 'verify', step: 'verify' },
  clearLanding: { kind: 'step', phase: 'settle', step: 'clear-landing' },
} as const satisfies Record<string, Entry>

/** Every entry that the journal of an ordinary swap holds if nothing fails, as `entryName` names them: what failure tests try. */
export const entryNames: readonly string[] = [
  ...phases.flatMap(({ name, steps }) =>
    steps
      .filter(({ isAsked }) => !isAsked)
      .map((step) => entryName({ kind: 'step', phase: name, step: step.name })),
  ),
  ...Object.values(landedSteps).map(entryName),
  'verdict',
]

interface Pending {
  readonly swap: Swap
  readonly present: Present
  readonly decision: Decision
}

/**
 * Looks at the swap that a landing or the note of a pending one names, else at the latest, and what there is to do about it;
 * undefined where there is none.
 * @throws Failure 'mismatch' where the one that is named is damaged: nobody may go on over a checkpoint that counts.
 */
export async function findPending(): Promise<Pending | undefined> {
  const boot = await bootId()
  const landing = await landingState(boot)
  const named = landing === 'unsealed' ? await notedPending() : await landingSwap()
  const found = await (named === undefined ? latest() : openNamed(named))
  if (!found) return undefined
  const { swap, lines } = found
  const jumped = isJumpOf(await readFile('/proc/cmdline', 'utf8'), swap.id)
  const present = { boot, jumped, landing }
  return { swap, present, decision: decide(lines, present) }
}

interface Found {
  readonly swap: Swap
  readonly lines: readonly JournalLine[]
}

async function openNamed(id: string): Promise<Found> {
  try {
    const swap = await openSwap(id)
    return { swap, lines: await swap.journal.read() }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const why = error.kind === 'usage' ? 'its directory is not there.' : error.message
    throw new Failure(
      'mismatch',
      `Swap ${id.slice(0, 14)} is pending: ${why} Once nothing is held any more (docs/failure.md, By hand), remove ` +
        `${pendingNote} and ${paths.landing}.`,
      { cause: error },
    )
  }
}

/** Nothing says that it is pending: what is damaged of it is in nobody's way. */
async function latest(): Promise<Found | undefined> {
  const swap = (await openSwaps()).sound.at(-1)
  if (!swap) return undefined
  const lines = await swap.journal.read().catch((error: unknown) => void damageOf(error))
  return lines && { swap, lines }
}

/** @throws Failure 'refused' while a swap has no verdict: another one would take its landing and its checkpoint. */
export async function refuseIfPending(): Promise<void> {
  const pending = await findPending()
  if (!pending || pending.decision.kind === 'nothing') return
  throw new Failure(
    'refused',
    `Swap ${pending.swap.id} has no verdict yet; finish it first: \`kernelswap resume\`, or \`kernelswap abandon\`.`,
  )
}

/** A swap that was finished. */
export interface Ended {
  readonly report: Report
  /** A damaged unit wants the kernel before, and the tasks have gone on already: that takes another swap. */
  readonly wantsWayBack: boolean
}

interface Resuming {
  readonly abandon?: boolean
  readonly tell?: Tell
}

/**
 * Finishes what a jump or a crash left open. The landing's settle unit calls it at boot; calling it again does nothing.
 *
 * With `abandon`, nothing is waited for or tried again: what is not restored starts cold.
 * @returns undefined where there was nothing to finish.
 * @throws Failure 'operator' while units that could not be restored wait for a decision.
 */
export async function resume({
  abandon = false,
  tell = () => {},
}: Resuming = {}): Promise<Ended | undefined> {
  const pending = await findPending()
  if (!pending) return undefined
  const { swap, present, decision } = pending
  const isHeld = present.landing === 'sealed'
  switch (decision.kind) {
    case 'nothing':
      await clearTrials()
      await forgetPending()
      return undefined
    case 'undo':
      return ended(
        await abort(swap, stepsNamed(decision.steps), await causeOfEnd(swap, await swap.journal.read()), {
          evenSo: abandon,
          tell,
        }),
      )
    case 'settle':
      if (isHeld && !abandon) {
        await refuseForeignLanding(swap)
        await landIfNone(swap)
        await restoreMissing(swap)
      }
      return settle(swap, { fellBack: decision.fellBack, present, abandon, tell })
    case 'lost':
      return ended(await settleLost(swap, decision.when))
  }
}

/** @throws Failure 'operator' where the sealed landing is of another kernelswap: what it means could only be guessed. */
export async function refuseForeignLanding({ id }: Swap): Promise<void> {
  const written = await landingLayout()
  if (written === String(layoutVersion)) return
  throw new Failure(
    'operator',
    `Swap ${id} was sealed by another version of kernelswap, with layout ${written ?? 'unknown'} instead of ${layoutVersion}, ` +
      'and its units wait. Install that version again and reboot, which restores them; or `kernelswap abandon` starts cold ' +
      'what is not back.',
  )
}

function ended(report: Report, wantsWayBack = false): Ended {
  return { report, wantsWayBack }
}

interface Landed {
  /** It is the old kernel that restored the checkpoint. */
  readonly fellBack: boolean
  readonly present: Present
  readonly abandon: boolean
  readonly tell: Tell
}

async function settle(swap: Swap, { fellBack, present, abandon, tell }: Landed): Promise<Ended> {
  // The restored tasks haven't run yet: kernelswap was to look at them first, or the landing could not let them go on.
  const isHeld = present.landing === 'sealed'
  await swap.journal.append(landedSteps.verify)
  tell(landedSteps.verify)
  // The landing was cut short, or could not wake all.
  if (present.landing === 'released' && !(await isReleaseDone())) await release(swap, present)
  const limit = isHeld ? await limitHold(swap) : undefined
  await takeSnapshots(swap, limit).catch((error: unknown) =>
    swap.journal.append({ kind: 'error', message: `No snapshots were taken: ${messageOf(error)}.` }),
  )
  let found = await verify(swap, limit)
  if (isHeld) {
    if (!fellBack && !abandon) await goBackIfDamaged(swap, found)
    found = await endDamaged(swap, found, true)
    await release(swap, present)
    await endLimit(swap)
  }
  found = await verifyRunning(swap, found)
  for (const { unit, outcome, reason } of found) tell({ kind: 'workload', unit, outcome, reason })
  await swap.journal.append(landedSteps.clearLanding)
  tell(landedSteps.clearLanding)
  await clearLanding(swap)
  // With the tasks running and the gate open: hooks ask the services themselves.
  const judged = await endDamaged(swap, await verifyHooks(swap, found, tell), false)
  const outcomes = [...(await startCold(judged)), ...(await startRestarted(swap))]
  const verdict = verdictOf(swap, outcomes, fellBack)
  const report = await conclude(swap, verdict, outcomes, await toldBefore(swap))
  return ended(report, !fellBack && !abandon && outcomes.some((outcome) => wantsBack(swap, outcome)))
}

/** Tasks that are held wait for our verdict: not for ever. Where systemd can't watch over us, we do so alone. */
async function limitHold(swap: Swap): Promise<Deadline> {
  return startLimit(swap, settleUnit, false).catch(() => new Deadline(limitOf(swap.plan)))
}

/** Who got stuck over it was killed, and tried it once more: held tasks don't wait for a third time. */
const mostTries = 2

async function takeSnapshots(swap: Swap, limit: Deadline | undefined): Promise<void> {
  if (!limit) return saveSnapshots(swap, 'after', { isHeld: false })
  const boot = await bootId()
  const tries = (await swap.journal.read()).filter(
    (line) => line.boot === boot && line.kind === 'step' && line.step === landedSteps.verify.step,
  )
  if (tries.length > mostTries) throw new Error(`taking them was cut short ${mostTries} times`)
  await within(limit, () => saveSnapshots(swap, 'after', { isHeld: true, deadline: limit }))
}

/**
 * Lets the tasks go on. What fails once that is noted is told with the verdict: there is no way back from there.
 * @throws where they are held as before
 */
async function release(swap: Swap, { boot }: Present): Promise<void> {
  try {
    await releaseLanding()
  } catch (error) {
    if ((await landingState(boot)) !== 'released') throw error
    await swap.journal.append({ kind: 'error', message: messageOf(error) })
  }
}

/** A restore that was cut short between its seal and the landing, on the boot that it was for. */
async function landIfNone({ plan, directory }: Swap): Promise<void> {
  if (!plan.bundle || (await isThere(swapFile(directory, 'land.log')))) return
  await daemonReload()
  await awaitUnits([landingUnit])
}

const whenInWords = {
  'before-seal': 'before the checkpoint was sealed',
  'after-release': 'after the services had gone on',
} as const

/** What was in memory is gone; the units started as on any boot. */
async function settleLost(swap: Swap, when: keyof typeof whenInWords): Promise<Report> {
  await swap.journal.append(landedSteps.clearLanding)
  await clearLanding(swap)
  const reason =
    swap.plan.bundle && when === 'before-seal'
      ? 'its restore was cut short'
      : `the machine went down ${whenInWords[when]}`
  const gone = preserved(swap.plan).map(
    ({ unit }): WorkloadOutcome => ({ unit, outcome: 'lost', pid: 0, reason }),
  )
  const outcomes = [...(await startCold(gone)), ...(await startRestarted(swap))]
  return conclude(swap, verdictOf(swap, outcomes, true), outcomes, [])
}

function verdictOf(swap: Swap, outcomes: readonly WorkloadOutcome[], fellBack: boolean): Verdict {
  if (outcomes.some(({ outcome }) => outcome === 'lost')) return 'failed'
  const carried = new Set(preserved(swap.plan).map(({ unit }) => unit))
  if (outcomes.some(({ unit, outcome }) => outcome === 'cold' && carried.has(unit))) return 'degraded'
  if (outcomes.some((outcome) => isDamaged(outcome) || isUnverified(outcome))) return 'degraded'
  if (swap.plan.bundle) return 'restored'
  return fellBack ? 'fell-back' : 'swapped'
}

/** It is back, and there is something to say of it all the same. */
function isUnverified({ outcome, reason }: WorkloadOutcome): boolean {
  return outcome === 'preserved' && reason !== null
}

async function conclude(
  swap: Swap,
  verdict: Verdict,
  outcomes: readonly WorkloadOutcome[],
  problems: readonly string[],
): Promise<Report> {
  const reasons = [
    ...problems,
    ...outcomes.flatMap(({ unit, reason }) => (reason ? [`${unit}: ${reason}.`] : [])),
  ]
  const reason = isGood(verdict)
    ? problems.join(' ') || null
    : reasons.join(' ') || 'the new kernel did not come up'
  const report = await finalReport(swap, { verdict, reason, outcomes })
  if (isGood(verdict) || verdict === 'fell-back') await discardImages(swap.directory)
  await recordVerdict(swap, report)
  // After the verdict: a hook that hangs must not hold it up.
  await tellHooks(swap, 'settled')
  await announce(swap, report)
  return report
}

/** What went wrong on the way here: what the landing reports, and why an earlier boot went back. */
export async function toldBefore(swap: Swap): Promise<string[]> {
  const errors = (await swap.journal.read()).flatMap((line) => (line.kind === 'error' ? [line.message] : []))
  const log = await readFile(swapFile(swap.directory, 'land.log'), 'utf8').catch(ifMissing(undefined))
  if (log === undefined) return ['The landing left no log, so nobody knows what failed in it.', ...errors]
  const landing = [...log.matchAll(/^\S+ \S+ failed (.*)$/gm)].map(([, what]) => what)
  return [...landing.map((what) => `The landing reports a failure: ${what}.`), ...errors]
}
