import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { parseAuxv } from '../proc/auxv.ts'
import type { MapArea } from '../proc/maps.ts'
import { namedRegisters } from '../proc/registers.ts'
import { flaggedRanges } from '../proc/smaps.ts'
import { isSpecial, joined, KERNELS, mapFileOf, type Range, rangeOf } from './areas.ts'
import { ownPages, PAGE, type PageRun, pageOf, partsWithin } from './pages.ts'
import type { TaskReader } from './readers.ts'
import type { ThreadReader } from './thread.ts'

/** The bytes of one area: a digest of all, and a checksum of each page, so that a difference can be located. */
export type AreaDigest = {
  readonly digest: string
  /** Address and checksum, hexadecimal; pages that show what is there without them are left out. */
  readonly pages: readonly (readonly [address: string, checksum: string])[]
}

/** Pages read at a time. */
const BATCH = 1024

/**
 * Digests the private memory of a stopped task, area by area. Only pages that are the task's own are read: reading the
 * others would populate them, and their bytes are those of a file, or zeros. A page of its own with just these bytes is
 * as good as none: CRIU leaves such a page to the file.
 *
 * Areas that the kernel may empty whenever it likes hold nothing that counts (MAP_DROPPABLE, mmap(2); the random
 * numbers of vdso's getrandom lie there, and must not come twice).
 */
export function digestPrivateMemory(task: TaskReader): Readonly<Record<string, AreaDigest>> {
  const own = ownPages(task)
  const masks = byPage(kernelsOwn(task))
  const dropped = droppable(task)
  const mapped = new Map(task.areas.map((area) => [area.start, area]))
  const memory = openSync(`${task.proc.path}/mem`, 'r')
  try {
    const digests: Record<string, AreaDigest> = {}
    for (const area of joined(task.areas)) {
      if (!area.permissions.endsWith('p')) continue
      const digest = isSpecial(area) ? kernelsDigest(area) : digestArea(area)
      if (digest && digest.pages.length > 0) digests[`${area.start} ${area.name}`.trim()] = digest
    }
    return digests
  } finally {
    closeSync(memory)
  }

  function digestArea(area: MapArea): AreaDigest | undefined {
    const runs = [...partsWithin(own, { from: pageOf(area.start), to: pageOf(area.end) })]
    if (runs.length === 0) return undefined
    // Joined areas begin with one that the kernel knows by its own range.
    const file = openMapped(task, mapped.get(area.start))
    try {
      return digestRuns(memory, runs, {
        without(batch) {
          task.workload.deadline?.check()
          return withoutOwn(area, file, batch)
        },
        isDropped: (page) =>
          dropped.length > 0 && !partsWithin(dropped, { from: page, to: page + 1 }).next().done,
        kernels: (page) => masks.get(page) ?? [],
      })
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }
}

interface Leave {
  /** What pages show where the task has none of its own; of less, no page is the same. */
  readonly without: (batch: PageRun) => Buffer
  /** Pages that the kernel may empty. */
  readonly isDropped: (page: number) => boolean
  /** Parts of a page that the kernel writes to. */
  readonly kernels: (page: number) => readonly Range[]
}

/** Digests the pages that count. A page costs no object of its own until it does: most of a large memory is many pages. */
function digestRuns(memory: number, runs: readonly PageRun[], leave: Leave): AreaDigest {
  const hash = createHash('sha256')
  const pages: [string, string][] = []
  for (const batch of runs.flatMap((run) => [...batches(run)])) {
    const bytes = readPages(memory, batch)
    const without = leave.without(batch)
    for (let page = batch.from, start = 0; page < batch.to; page++, start += PAGE) {
      const end = start + PAGE
      if (leave.isDropped(page)) continue
      blank(bytes, start, page, leave.kernels(page))
      if (end <= without.length && bytes.compare(without, start, end, start, end) === 0) continue
      const content = bytes.subarray(start, end)
      hash.update(content)
      pages.push([(page * PAGE).toString(16), crc32(content).toString(16)])
    }
  }
  for (const [address] of pages) hash.update(address)
  return { digest: hash.digest('hex'), pages }
}

function kernelsDigest(area: MapArea): AreaDigest {
  const { start, end } = rangeOf(area)
  const count = Number(end - start) / PAGE
  const addresses = Array.from({ length: count }, (_, index) => start + BigInt(index * PAGE))
  return { digest: '', pages: addresses.map((address) => [address.toString(16), KERNELS]) }
}

function droppable(task: TaskReader): readonly PageRun[] {
  return Object.keys(flaggedRanges(task.smaps, ['dp'])).map((range) => {
    const [start = '', end = ''] = range.split('-')
    return { from: pageOf(start), to: pageOf(end) }
  })
}

/** The file behind an area, even where its name is gone; undefined where there is none, or it can't be read. */
function openMapped(task: TaskReader, area: MapArea | undefined): number | undefined {
  if (!area?.name.startsWith('/')) return undefined
  try {
    return openSync(`${task.proc.path}/map_files/${mapFileOf(area)}`, 'r')
  } catch {
    return undefined
  }
}

/** What an area shows where the task has no pages of its own: the file's bytes, or zeros. */
function withoutOwn(area: MapArea, file: number | undefined, { from, to }: PageRun): Buffer {
  if (!area.name.startsWith('/')) return ZEROS
  if (file === undefined) return NOTHING
  const offset = Number.parseInt(area.offset, 16) + (from - pageOf(area.start)) * PAGE
  const bytes = FILE.subarray(0, (to - from) * PAGE)
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, offset + done)
    // As a mapping shows it: zeros beyond its end.
    if (count === 0) return bytes.fill(0, done)
    done += count
  }
  return bytes
}

/** Equals no page. */
const NOTHING = Buffer.alloc(0)
const ZEROS = Buffer.alloc(BATCH * PAGE)
/** Where pages of memory, and of the file behind it, are read to: new places each time took longer than the reading. */
const [MEMORY, FILE] = [Buffer.alloc(BATCH * PAGE), Buffer.alloc(BATCH * PAGE)]

/** A run in parts that are read at once. */
function* batches({ from, to }: PageRun): Generator<PageRun> {
  for (let at = from; at < to; at += BATCH) yield { from: at, to: Math.min(at + BATCH, to) }
}

/** The bytes of pages, until others are read. */
function readPages(memory: number, { from, to }: PageRun): Buffer {
  const bytes = MEMORY.subarray(0, (to - from) * PAGE)
  const position = BigInt(from) * BigInt(PAGE)
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(memory, bytes, done, bytes.length - done, position + BigInt(done))
    if (count === 0) throw new Error(`memory at ${(position + BigInt(done)).toString(16)} ended`)
    done += count
  }
  return bytes
}

/** Ranges by each page that they touch. */
function byPage(ranges: readonly Range[]): ReadonlyMap<number, readonly Range[]> {
  const pages = new Map<number, Range[]>()
  for (const range of ranges) {
    const last = Number((range.end - 1n) / BigInt(PAGE))
    for (let page = Number(range.start / BigInt(PAGE)); page <= last; page++) {
      const known = pages.get(page)
      if (known) known.push(range)
      else pages.set(page, [range])
    }
  }
  return pages
}

/** Overwrites the parts of a page that lie in one of the ranges with zeros. @param at where the page is in the bytes */
function blank(bytes: Buffer, at: number, page: number, ranges: readonly Range[]): void {
  const position = BigInt(page) * BigInt(PAGE)
  for (const { start, end } of ranges) {
    const from = Math.max(0, Number(start - position))
    const to = Math.min(PAGE, Number(end - position))
    if (from < to) bytes.fill(0, at + from, at + to)
  }
}

/** What the kernel writes into a task's memory by itself. */
function kernelsOwn(task: TaskReader): readonly Range[] {
  const frameSize = parseAuxv(task.proc.bytes('auxv'))[AT_MINSIGSTKSZ]
  return task.threads.flatMap((thread) => [...rseqArea(thread), ...signalSpace(thread, frameSize)])
}

/** Written whenever the thread runs on another CPU: rseq(2). */
function rseqArea(thread: ThreadReader): readonly Range[] {
  const { rseq, rseqSize } = thread.probed('ptrace')
  if (rseq === undefined || BigInt(`0x${rseq}`) === 0n) return []
  const start = BigInt(`0x${rseq}`)
  return [{ start, end: start + BigInt(Math.max(32, Number(rseqSize ?? 32))) }]
}

/** The most that a signal's frame takes, getauxval(3). */
const AT_MINSIGSTKSZ = '51'
/** Below the stack pointer these bytes are the program's, the rest is free for signals: System V ABI for x86-64, 3.2.2. */
const RED_ZONE = 128n

/** Where the kernel puts, or has put, the frame of a signal handler. */
function signalSpace({ registers }: ThreadReader, frameSize: string | undefined): readonly Range[] {
  if (process.arch !== 'x64' || !registers || !frameSize) return []
  const end = BigInt(`0x${namedRegisters(registers, 'x64')!.rsp}`) - RED_ZONE
  return [{ start: end - BigInt(`0x${frameSize}`), end }]
}
