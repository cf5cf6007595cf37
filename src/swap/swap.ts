import { Deadline, Overdue } from '../deadline.ts'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { paths } from '../paths.ts'
import type { Report } from '../report/report.ts'
import { announce } from './announce/announce.ts'
import type { Tell } from './event.ts'
import { overdueReason, Stuck, within } from './limit.ts'
import { freeze } from './phases/freeze.ts'
import { jump } from './phases/jump.ts'
import { discardImages, discardOldCheckpoints } from './phases/settle.ts'
import { stage } from './phases/stage.ts'
import { finalReport } from './report/final-report.ts'
import type { Phase, Step, SwapContext } from './step.ts'
import { noSpace, recordVerdict, releaseReserve, type Swap } from './store.ts'
import { tellHooks } from './verify/hooks.ts'

/**
 * The way of a swap, on this side of the jump. Before it, `inspect` and `check` make the plan (phases/check.ts);
 * after it, the landing brings the services back without us (landing/static/land), and `kernelswap resume` verifies
 * and settles (resume.ts).
 */
export const phases: readonly Phase[] = [stage, freeze, jump]

/**
 * Swaps the kernel. Returns only if it was aborted: then nothing was lost, and the report says why.
 *
 * A request to stop (`stopRequested`) is honoured between two steps, until the jump.
 */
export async function runSwap(swap: Swap, tell: Tell, stopRequested: () => boolean): Promise<Report> {
  const context: SwapContext = { swap, tell, carried: [], lastPid: 0, sums: new Map(), gated: [], sealed: [] }
  const begun: Step[] = []
  try {
    await discardOldCheckpoints(swap)
    for (const phase of phases) {
      for (const step of phase.steps) {
        if (step.isAsked && !step.isAsked(swap.plan)) continue
        if (stopRequested()) throw new Failure('failed', 'It was asked to stop.')
        begun.push(step)
        const take = async () => {
          const entry = { kind: 'step', phase: phase.name, step: step.name } as const
          await swap.journal.append(entry)
          tell(entry)
          await step.do(context)
        }
        await (context.limit ? within(context.limit, take) : take())
      }
    }
    throw new Failure('failed', 'internal error: the jump returned')
  } catch (error) {
    context.probe?.dismiss()
    const reason = reasonOf(error, context, begun)
    if (error instanceof Stuck) await giveUp(swap, reason)
    return await abort(swap, begun, reason, { tell })
  }
}

function reasonOf(error: unknown, { swap, limit }: SwapContext, begun: readonly Step[]): string {
  if (error instanceof Overdue || error instanceof Stuck)
    return overdueReason(swap.plan, begun.at(-1)?.name ?? '', limit?.whereabouts ?? '')
  return isErrno(error, 'ENOSPC', 'EDQUOT') ? noSpace : messageOf(error)
}

/** What goes on behind our back could undo what we take back: it ends with us, and who is called then takes it back. */
async function giveUp(swap: Swap, reason: string): Promise<never> {
  const told = swap.journal.append({ kind: 'error', message: reason })
  await new Deadline(5).race(told).catch(() => {})
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

interface Undoing {
  /** Go on where a step that guards others can't be taken back. */
  readonly evenSo?: boolean
  readonly tell?: Tell
}

/** Taking back a step is waited for this long, in seconds, unless it says otherwise. */
const undoSeconds = 90

/**
 * Takes back the steps that were begun, the last one first, and records the verdict.
 * @throws Failure 'operator' where one can't, and there is no verdict yet: `resume` tries again.
 */
export async function abort(
  swap: Swap,
  begun: readonly Step[],
  reason: string,
  how: Undoing = {},
): Promise<Report> {
  await releaseReserve(swap)
  // First, for whoever goes on with it should this be cut short; but it mustn't depend on a disk.
  await noteReason(swap, reason).catch(() => {})
  const failures = await undo(swap, begun, how)
  await noteReason(swap, reason)
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

async function noteReason({ journal }: Swap, message: string): Promise<void> {
  const known = (await journal.read()).some((line) => line.kind === 'error' && line.message === message)
  if (!known) await journal.append({ kind: 'error', message })
}

/**
 * One failing undo doesn't keep the others from being tried: thawing matters more than unloading a kernel. Except that of a
 * guard: nothing before it is touched then.
 */
export async function undo(
  swap: Swap,
  begun: readonly Step[],
  { evenSo = false, tell = () => {} }: Undoing = {},
): Promise<string[]> {
  const failures: string[] = []
  for (const step of begun.toReversed()) {
    try {
      await new Deadline(step.undoSeconds ?? undoSeconds).race(step.undo?.(swap) ?? Promise.resolve())
    } catch (error) {
      const failure = `Taking back ${step.name} failed: ${messageOf(error)}.`
      if (step.isGuard && !evenSo) throw await guarded(swap, failure)
      failures.push(failure)
      continue
    }
    const entry = { kind: 'undo', step: step.name } as const
    tell(entry)
    await swap.journal
      .append(entry)
      .catch((error: unknown) => failures.push(`The journal could not be written: ${messageOf(error)}.`))
  }
  return failures
}

/** The checkpoint still counts, and it is whole as long as its tasks don't run: a boot brings them back as they are. */
async function guarded(swap: Swap, failure: string): Promise<Failure> {
  const message =
    `${failure} The next boot would restore the services of swap ${swap.id} as they were at its freeze, over whatever ` +
    `they did from now on; so they stay stopped. Make ${paths.landing} writable and \`kernelswap resume\`; or reboot at ` +
    'once (`systemctl reboot --force --force`), which brings them back as they are now; or let them go on all the same ' +
    'with `kernelswap abandon`.'
  // Perhaps on the same disk.
  await swap.journal.append({ kind: 'error', message }).catch(() => {})
  return new Failure('operator', message)
}

/** The steps of these names, in the order of the swap. */
export function stepsNamed(names: readonly string[]): Step[] {
  return phases.flatMap(({ steps }) => steps).filter(({ name }) => names.includes(name))
}
