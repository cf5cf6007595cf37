import { writeFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Deadline, Overdue } from '../deadline.ts'
import { endPrograms } from '../host/local.ts'
import { paths } from '../paths.ts'
import { forgetLater, runLater } from '../tools/systemd-run.ts'
import type { JournalLine } from './journal.ts'
import type { Plan } from './plan.ts'
import type { Swap } from './store.ts'

/** Of a plan that was made before there was a limit, in seconds. */
const limitOfOldPlans = 600
/** What outlasts the limit has so long before systemd ends us, in seconds. */
const backstopSeconds = 15
/** A step whose programs were killed has so long to end, in seconds. */
const graceSeconds = 5
/** What services stand still for just now; whoever takes back a swap whose process was stuck reads it. */
const busyNote = join(paths.run, 'busy')

/** How long services may stand still before the jump, and for their verification behind it, in seconds. */
export function limitOf({ freezeSeconds }: Plan): number {
  return freezeSeconds ?? limitOfOldPlans
}

/**
 * Limits how long services stand still from here on. Who can't tell the time is a process that is stuck: past the limit,
 * and a little, systemd kills the unit that does the work, and what follows that unit takes it up again.
 */
export async function startLimit(swap: Swap, unit: string, isOurs: boolean): Promise<Deadline> {
  const seconds = limitOf(swap.plan)
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  await forgetLater(backstopOf(swap))
  await runLater({
    name: backstopOf(swap),
    seconds: seconds + backstopSeconds,
    command: ['systemctl', 'kill', '--signal=SIGKILL', '--', unit],
    ...(isOurs ? { unless: unit } : {}),
  })
  return new Deadline(seconds, noteBusy)
}

function noteBusy(busy: readonly string[]): void {
  try {
    writeFileSync(busyNote, busy.join(' '), { mode: 0o600 })
  } catch {
    // The report tells less, should it come to that.
  }
}

/** They go on, or have come to their decision; does no harm where nothing was limited. */
export async function endLimit(swap: Swap): Promise<void> {
  await forgetLater(backstopOf(swap))
}

function backstopOf({ id }: Swap): string {
  return `kernelswap-limit-${id}`
}

/** Thrown where a step goes on though it has no time and no programs any more: only the end of the process ends it. */
export class Stuck extends Error {}

/** Takes a step within a limit; past it, the programs that it started are killed. @throws Overdue, Stuck */
export async function within(
  limit: Deadline,
  act: () => Promise<void>,
  grace: number = graceSeconds,
): Promise<void> {
  const work = act()
  try {
    await limit.race(work)
  } catch (error) {
    if (!(error instanceof Overdue)) throw error
    endPrograms()
    const ended = work.then(
      () => {},
      () => {},
    )
    await new Deadline(grace).race(ended).catch(() => {
      throw new Stuck(error.message)
    })
    throw error
  }
}

/** Why a swap that was cut short was, as far as its journal and the note tell. */
export async function causeOfEnd({ plan }: Swap, lines: readonly JournalLine[]): Promise<string> {
  // The first: what kept it from being taken back comes behind it.
  const told = lines.find((line) => line.kind === 'error')
  if (told?.kind === 'error') return told.message
  const began = lines.find((line) => line.kind === 'step' && line.step === 'close-gate')
  const last = lines.findLast((line) => line.kind === 'step')
  if (!began || last?.kind !== 'step' || Date.now() / 1000 - began.time < limitOf(plan))
    return 'kernelswap was ended in the middle of the swap.'
  const busy = await readFile(busyNote, 'utf8').catch(() => '')
  return overdueReason(plan, last.step, busy === '' ? '' : ` at ${busy}`)
}

/** What the report says of a freeze that took too long. */
export function overdueReason(plan: Plan, step: string, whereabouts: string): string {
  return (
    `Services stood still for longer than ${limitOf(plan)} s: step ${step} was not done${whereabouts}. ` +
    'Look there, or raise freeze-timeout, and swap again.'
  )
}
