import { closeSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { populatedPages } from '../proc/pagemap.ts'
import { isSpecial } from './areas.ts'
import type { TaskReader } from './readers.ts'
import { Unreadable } from './types.ts'

/** All supported machines use pages of this size for their smallest. */
export const PAGE = 4096

/** Adjacent pages by number, the last one excluded. A number holds any of them: addresses have 57 bits at the most. */
export interface PageRun {
  readonly from: number
  readonly to: number
}

/** Entries of /proc/PID/pagemap read at a time. */
const BATCH = 8192
/** A gigabyte of address space takes 2 MiB of entries and some milliseconds: more than these are not gone through. */
const MOST_ENTRIES = 128 * 2 ** 18

/**
 * The pages that are a task's own, in order: neither a file's, nor shared, nor merely reserved. The kernel is asked where
 * they are, since programs reserve terabytes and use little of it. A kernel before 6.7 can't tell, and each page of the
 * areas that hold any is looked up.
 * @throws Unreadable where these are too many for a freeze
 */
export function ownPages(task: TaskReader): readonly PageRun[] {
  let told: Readonly<Record<string, string>>
  try {
    told = task.probedPages()
  } catch (error) {
    return lookUp(task, messageOf(error))
  }
  return parseRuns(told.runs ?? '').map(({ from, to }) => ({ from: from / PAGE, to: to / PAGE }))
}

/** Parses `FROM-TO,FROM-TO` in hexadecimal digits, as the probe says it. */
export function parseRuns(text: string): readonly { readonly from: number; readonly to: number }[] {
  if (text === '') return []
  return text.split(',').map((run) => {
    const [from = '', to = ''] = run.split('-')
    return { from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }
  })
}

function lookUp(task: TaskReader, why: string): readonly PageRun[] {
  const areas = task.smaps
    .filter((area) => area.kilobytes > 0 && area.permissions.endsWith('p') && !isSpecial(area))
    .map(({ start, end }) => ({ from: pageOf(start), to: pageOf(end) }))
  const entries = areas.reduce((sum, { from, to }) => sum + to - from, 0)
  if (entries > MOST_ENTRIES)
    throw new Unreadable(
      `it reserves ${Math.round((entries * PAGE) / 2 ** 30)} GiB, and which of that is in use can't be asked: ${why}`,
    )
  const pagemap = openSync(`${task.proc.path}/pagemap`, 'r')
  try {
    return areas.flatMap((area) => {
      task.workload.deadline?.check()
      return [...runsIn(pagemap, area)]
    })
  } finally {
    closeSync(pagemap)
  }
}

function* runsIn(pagemap: number, area: PageRun): Generator<PageRun> {
  for (let at = area.from; at < area.to; at += BATCH) {
    const entries = Buffer.alloc(Math.min(BATCH, area.to - at) * 8)
    const read = readSync(pagemap, entries, 0, entries.length, at * 8)
    for (const { from, count } of populatedPages(entries.subarray(0, read)))
      yield { from: at + from, to: at + from + count }
  }
}

/** The number of the page at a hexadecimal address. */
export function pageOf(address: string): number {
  return Number.parseInt(address, 16) / PAGE
}

/** The parts of these runs, which are in order, that lie in an area. */
export function* partsWithin(runs: readonly PageRun[], area: PageRun): Generator<PageRun> {
  for (let at = firstBehind(runs, area.from); at < runs.length; at++) {
    const run = runs[at]!
    if (run.from >= area.to) return
    yield { from: Math.max(run.from, area.from), to: Math.min(run.to, area.to) }
  }
}

/** The index of the first run that doesn't end before this page. */
function firstBehind(runs: readonly PageRun[], page: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (runs[middle]!.to <= page) low = middle + 1
    else high = middle
  }
  return low
}
