import { lstat, mkdir, readdir, readFile, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../durable.ts'
import { Failure, ifMissing, isErrno } from '../errors.ts'
import { paths } from '../paths.ts'
import { type Report, reportSchema } from '../report/report.ts'
import { Journal } from './journal.ts'
import { runningKernel } from './kernels.ts'
import { type Plan, planSchema } from './plan.ts'

/** One swap: its directory below the state directory and what lies in it. */
export interface Swap {
  readonly id: string
  readonly directory: string
  readonly plan: Plan
  readonly journal: Journal
}

/** There while a swap has no verdict. */
const pending = join(paths.state, 'pending')

/** Space that a swap which fills the disk can still take itself back in: journal and report. */
const reserve = 'reserve'
const reserveBytes = 1024 * 1024

/** Gives a swap's reserve back to the file system, where that isn't read-only just now. */
export async function releaseReserve(swap: Swap): Promise<void> {
  await rm(join(swap.directory, reserve), { force: true }).catch((error) => {
    if (!isErrno(error, 'EROFS')) throw error
  })
}

/** Begins a swap: its directory (0700, checkpoints hold secrets) with the plan in it. */
export function createSwap(plan: Plan): Promise<Swap> {
  return begin(plan, (directory) => mkdir(directory, { mode: 0o700 }))
}

/** Begins what needs no swap: its checkpoint came out of a bundle, and becomes the directory. */
export function adoptSwap(plan: Plan, unpacked: string): Promise<Swap> {
  return begin(plan, (directory) => rename(unpacked, directory))
}

async function begin(plan: Plan, place: (directory: string) => Promise<void>): Promise<Swap> {
  const id = nextId(await listSwaps(), Date.now())
  const directory = join(paths.swaps, id)
  await mkdir(paths.swaps, { recursive: true, mode: 0o700 })
  await place(directory)
  await writeDurably(join(directory, 'plan.json'), JSON.stringify(plan))
  await writeDurably(join(directory, reserve), '\0'.repeat(reserveBytes))
  // The settle unit of the next boots looks for it (kernelswap-settle.service).
  await writeDurably(pending, `${id}\n`)
  return { id, directory, plan, journal: new Journal(directory, await bootId(), runningKernel()) }
}

/**
 * An id that tells when a swap began (UTC), and sorts behind those before it: a new kernel may start with a clock that is
 * behind, and the latest swap is the one that is resumed.
 * @param ids of swaps, the oldest first
 * @param now in milliseconds since 1970
 */
export function nextId(ids: readonly string[], now: number): string {
  const last = ids.at(-1)?.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')
  const soonest = last === undefined ? 0 : Date.parse(last) + 1000
  return new Date(Math.max(now, soonest)).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** Ids of all swaps, the oldest first. */
export async function listSwaps(): Promise<string[]> {
  const names = await readdir(paths.swaps).catch(ifMissing<string[]>([]))
  return names.filter((name) => /^\d{14}$/.test(name)).sort()
}

/**
 * Opens a swap, without an id the latest.
 * @throws Failure 'usage' where there is none.
 */
export async function openSwap(id?: string): Promise<Swap> {
  const found = id ?? (await listSwaps()).at(-1)
  if (found === undefined)
    throw new Failure('usage', 'There has been no swap yet; `kernelswap run` starts one.')
  const directory = join(paths.swaps, found)
  const text = await readFile(join(directory, 'plan.json'), 'utf8').catch(ifMissing(undefined))
  if (text === undefined)
    throw new Failure('usage', `There is no swap ${found}; \`kernelswap status\` lists them.`)
  const plan = planSchema.parse(JSON.parse(text))
  return { id: found, directory, plan, journal: new Journal(directory, await bootId(), runningKernel()) }
}

/** Where a workload's checkpoint lies. */
export function checkpointDirectory(swap: Swap, unit: string): string {
  return join(swap.directory, 'workloads', unit)
}

/** A swap's report, undefined while it has none. */
export async function readReport(swap: Swap): Promise<Report | undefined> {
  const text = await readFile(join(swap.directory, 'report.json'), 'utf8').catch(ifMissing(undefined))
  return text === undefined ? undefined : reportSchema.parse(JSON.parse(text))
}

/** Ends a swap: its report and its verdict are on disk when this returns. */
export async function recordVerdict(swap: Swap, report: Report): Promise<void> {
  await writeDurably(join(swap.directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  await swap.journal.append({ kind: 'verdict', verdict: report.verdict })
  await forgetPending()
  await releaseReserve(swap)
}

/** No boot needs to look after a swap any more. */
export async function forgetPending(): Promise<void> {
  await rm(pending, { force: true })
}

/** Identity of the running boot: the same until the kernel changes (random(4)). */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** Bytes that a checkpoint may take in the state directory. */
export async function freeBytes(): Promise<number> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(paths.state)
  return bavail * bsize
}

/**
 * Bytes that a swap's directory takes on disk: mostly its checkpoints, while they are kept. A swap under way makes and
 * removes files meanwhile.
 */
export async function bytesOf(id: string): Promise<number> {
  const directory = join(paths.swaps, id)
  const names = await readdir(directory, { recursive: true }).catch(ifMissing<string[]>([]))
  const sizeOf = async (name: string) => (await lstat(join(directory, name))).size
  const sizes = await Promise.all(names.map((name) => sizeOf(name).catch(ifMissing(0))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
