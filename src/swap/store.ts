import { access, constants, mkdir, readdir, readFile, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type * as z from 'zod'
import { syncDirectory, writeDurably } from '../durable.ts'
import { Failure, ifMissing, isErrno, messageOf } from '../errors.ts'
import { isThere } from '../files.ts'
import { stateFile, swapFile } from '../layout.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { refuseLoose } from '../ownership.ts'
import { paths } from '../paths.ts'
import { type Report, reportSchema } from '../report/report.ts'
import type { Obstacle } from '../workload/obstacle.ts'
import { Journal } from './journal.ts'
import { type Plan, planSchema } from './plan.ts'

/** One swap: its directory below the state directory and what lies in it. */
export interface Swap {
  readonly id: string
  readonly directory: string
  readonly plan: Plan
  readonly journal: Journal
}

/** There while a swap has no verdict. */
export const pendingNote = stateFile('pending')

/** Space that a swap which fills the disk can still take itself back in: journal and report. */
const reserve = 'reserve'
const reserveBytes = 1024 * 1024

/** Gives a swap's reserve back to the file system, where that isn't read-only just now. */
export async function releaseReserve(swap: Swap): Promise<void> {
  await rm(join(swap.directory, reserve), { force: true }).catch((error) => {
    if (!isErrno(error, 'EROFS')) throw error
  })
}

/** Where a swap is put together before it can be seen; what a crash leaves there the next one removes. */
const begun = join(paths.state, 'begun')

/** Begins a swap: its directory (0700, checkpoints hold secrets) with the plan in it. */
export async function createSwap(plan: Plan): Promise<Swap> {
  await rm(begun, { recursive: true, force: true })
  await mkdir(begun, { recursive: true, mode: 0o700 })
  return adoptSwap(plan, begun)
}

/**
 * Begins a swap with a directory that lies elsewhere in the state directory, such as that of a bundle that was unpacked.
 * It is among the swaps when all of it is on disk, or not at all: then nothing of it stays.
 * @throws Failure 'failed' where there is no space for it.
 */
export async function adoptSwap(plan: Plan, aside: string): Promise<Swap> {
  let at = aside
  try {
    await writeDurably(join(aside, 'plan.json'), JSON.stringify(plan))
    await writeDurably(join(aside, reserve), '\0'.repeat(reserveBytes))
    await mkdir(paths.swaps, { recursive: true, mode: 0o700 })
    const id = nextId(await listSwaps(), Date.now())
    const directory = join(paths.swaps, id)
    await rename(aside, directory)
    at = directory
    await syncDirectory(paths.swaps)
    // The settle unit of the next boots looks for it (kernelswap-settle.service).
    await writeDurably(pendingNote, `${id}\n`)
    return await swapIn(id, plan)
  } catch (error) {
    await rm(at, { recursive: true, force: true })
    throw isErrno(error, 'ENOSPC', 'EDQUOT') ? new Failure('failed', noSpace, { cause: error }) : error
  }
}

/** What is said where a write finds no space. */
export const noSpace = `No space left on the file system of ${paths.state}; free some and swap again.`

async function swapIn(id: string, plan: Plan): Promise<Swap> {
  const directory = join(paths.swaps, id)
  return { id, directory, plan, journal: new Journal(directory, await bootId(), runningKernel()) }
}

/**
 * An id that tells when a swap began (UTC), and sorts behind those before it: a new kernel may start with a clock that is
 * behind, and the latest swap is the one that is resumed.
 * @param ids of swaps, the oldest first
 * @param now in milliseconds since 1970
 */
export function nextId(ids: readonly string[], now: number): string {
  const last = ids.at(-1)
  const soonest = last === undefined ? 0 : timeOf(last) + 1000
  return new Date(Math.max(now, soonest)).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** True for what may be the id of a swap: 14 digits that are a time. Nothing else becomes part of a path. */
export function isSwapId(text: string): boolean {
  return /^\d{14}$/.test(text) && !Number.isNaN(timeOf(text))
}

function timeOf(id: string): number {
  return Date.parse(id.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** Ids of all swaps, the oldest first. */
export async function listSwaps(): Promise<string[]> {
  const names = await readdir(paths.swaps).catch(ifMissing<string[]>([]))
  return names.filter(isSwapId).sort()
}

/**
 * Opens a swap.
 * @throws Failure 'usage' where there is none of this id, 'mismatch' where its plan is missing or damaged.
 */
export async function openSwap(id: string): Promise<Swap> {
  if (!isSwapId(id))
    throw new Failure(
      'usage',
      'That is no id of a swap, which has 14 digits; `kernelswap status` lists them.',
    )
  const directory = join(paths.swaps, id)
  if (!(await isThere(directory)))
    throw new Failure('usage', `There is no swap ${id}; \`kernelswap status\` lists them.`)
  const file = join(directory, 'plan.json')
  const plan = await readDocument(file, planSchema)
  if (plan === undefined) throw damaged(file, 'it is missing')
  return swapIn(id, plan)
}

/** What opening all swaps came to, the oldest first. */
export interface Swaps {
  readonly sound: readonly Swap[]
  /** Those whose plan is missing or damaged, with the sentence that names the file. */
  readonly damaged: readonly { readonly id: string; readonly damage: string }[]
}

/** Opens all swaps. One that is damaged is in no other's way. */
export async function openSwaps(): Promise<Swaps> {
  const found = await Promise.all(
    (await listSwaps()).map(async (id) =>
      openSwap(id).catch((error: unknown) => ({ id, damage: damageOf(error) })),
    ),
  )
  return {
    sound: found.filter((each) => 'plan' in each),
    damaged: found.filter((each) => 'damage' in each),
  }
}

/**
 * The swaps that have a report, the latest first. One that is damaged tells nothing of what this host has seen, and is left
 * out: `kernelswap status` names its file.
 */
export async function* endedSwaps(): AsyncGenerator<{ readonly swap: Swap; readonly report: Report }> {
  for (const swap of (await openSwaps()).sound.toReversed()) {
    const report = await readReport(swap).catch((error: unknown) => void damageOf(error))
    if (report) yield { swap, report }
  }
}

/** What is damaged, in a sentence; any other error is thrown. */
export function damageOf(error: unknown): string {
  if (error instanceof Failure && error.kind === 'mismatch') return error.message
  throw error
}

/**
 * Reads a document of a swap; undefined where it isn't there.
 * @throws Failure 'mismatch' that names the file, where it is damaged; 'configuration' where others could have written it.
 */
async function readDocument<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  refuseLoose(file)
  let text: string | undefined
  try {
    text = await readFile(file, 'utf8').catch(ifMissing(undefined))
    return text === undefined ? undefined : schema.parse(JSON.parse(text))
  } catch (error) {
    const why = text === undefined ? messageOf(error) : 'it is not what kernelswap writes there'
    throw damaged(file, why, error)
  }
}

function damaged(file: string, why: string, cause?: unknown): Failure {
  const advice = 'look at the other files in its directory to see how far it went'
  return new Failure('mismatch', `${file} is damaged: ${why}; ${advice}.`, { cause })
}

/** Where a workload's checkpoint lies. */
export function checkpointDirectory(swap: Swap, unit: string): string {
  return swapFile(swap.directory, 'workloads', unit)
}

/** A swap's report, undefined while it has none. @throws Failure 'mismatch' where it is damaged. */
export async function readReport(swap: Swap): Promise<Report | undefined> {
  return readDocument(join(swap.directory, 'report.json'), reportSchema)
}

/** Ends a swap: its report and its verdict are on disk when this returns. */
export async function recordVerdict(swap: Swap, report: Report): Promise<void> {
  await writeDurably(join(swap.directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  await swap.journal.append({ kind: 'verdict', verdict: report.verdict })
  await forgetPending()
  await releaseReserve(swap)
}

/** The id that is noted as pending, whatever it says there; undefined where none is. */
export async function notedPending(): Promise<string | undefined> {
  return (await readFile(pendingNote, 'utf8').catch(ifMissing(undefined)))?.trim()
}

/** No boot needs to look after a swap any more. */
export async function forgetPending(): Promise<void> {
  await rm(pendingNote, { force: true })
}

/** Identity of the running boot: the same until the kernel changes (random(4)). */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** Why no swap could be written down: its state and its landing need file systems that take it. */
export async function writeObstacles(): Promise<Obstacle[]> {
  const found = await Promise.all([paths.state, paths.landing].map(writeProblem))
  const problems = new Set(found.filter((problem) => problem !== undefined))
  return [...problems].map(
    (reason): Obstacle => ({
      code: 'read-only',
      reason,
      remedy: 'see to that file system; `mount -o remount,rw` makes one writable',
    }),
  )
}

/** Of a directory, or of the one that it will be made in. */
async function writeProblem(directory: string): Promise<string | undefined> {
  try {
    if (!(await isThere(directory))) return await writeProblem(dirname(directory))
    await access(directory, constants.W_OK)
    return undefined
  } catch (error) {
    return `${directory} can't be written to: ${messageOf(error)}`
  }
}

/** Bytes that a checkpoint may take in the state directory. */
export async function freeBytes(): Promise<number> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(paths.state)
  return bavail * bsize
}
