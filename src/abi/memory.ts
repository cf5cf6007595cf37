import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { parseAuxv } from '../proc/auxv.ts'
import type { MapArea } from '../proc/maps.ts'
import { populatedPages } from '../proc/pagemap.ts'
import { namedRegisters } from '../proc/registers.ts'
import { parseVmFlags } from '../proc/vm-flags.ts'
import { isSpecial, joined, KERNELS, type Range, rangeOf } from './areas.ts'
import type { TaskReader } from './task.ts'
import type { ThreadReader } from './thread.ts'

/** The bytes of one area: a digest of all, and a checksum of each page, so that a difference can be located. */
export type AreaDigest = {
  readonly digest: string
  /** Address and checksum, hexadecimal; pages that show what is there without them are left out. */
  readonly pages: readonly (readonly [address: string, checksum: string])[]
}

/** All supported machines use pages of this size for their smallest. */
const PAGE = 4096
/** Pages read at a time. */
const BATCH = 1024

/**
 * Digests the private memory of a stopped task, area by area. Only pages that are the task's own are read
 * (/proc/PID/pagemap tells which): reading the others would populate them, and their bytes are those of a file,
 * or zeros. A page of its own with just these bytes is as good as none: CRIU leaves such a page to the file.
 *
 * Areas that the kernel may empty whenever it likes hold nothing that counts (MAP_DROPPABLE, mmap(2); the random
 * numbers of vdso's getrandom lie there, and must not come twice).
 */
export function digestPrivateMemory(task: TaskReader): Readonly<Record<string, AreaDigest>> {
  const masks = [...kernelsOwn(task), ...droppable(task)]
  const memory = openSync(`${task.proc.path}/mem`, 'r')
  const pagemap = openSync(`${task.proc.path}/pagemap`, 'r')
  try {
    const digests: Record<string, AreaDigest> = {}
    for (const area of joined(task.areas)) {
      if (!area.permissions.endsWith('p')) continue
      const digest = isSpecial(area)
        ? kernelsDigest(area)
        : digestWithFile(task, memory, pagemap, area, masks)
      if (digest.pages.length > 0) digests[`${area.start} ${area.name}`.trim()] = digest
    }
    return digests
  } finally {
    closeSync(memory)
    closeSync(pagemap)
  }
}

function kernelsDigest(area: MapArea): AreaDigest {
  const { start, end } = rangeOf(area)
  const count = Number(end - start) / PAGE
  const addresses = Array.from({ length: count }, (_, index) => start + BigInt(index * PAGE))
  return { digest: '', pages: addresses.map((address) => [address.toString(16), KERNELS]) }
}

function droppable(task: TaskReader): readonly Range[] {
  return Object.keys(parseVmFlags(task.proc.text('smaps'), ['dp'])).map((range) => {
    const [start = '', end = ''] = range.split('-')
    return rangeOf({ start, end })
  })
}

function digestWithFile(
  task: TaskReader,
  memory: number,
  pagemap: number,
  area: MapArea,
  masks: readonly Range[],
): AreaDigest {
  const file = openMapped(task, area)
  try {
    const { start } = rangeOf(area)
    const offset = Number.parseInt(area.offset, 16)
    return digestArea(memory, pagemap, area, masks, (address) =>
      file === undefined ? undefined : filePage(file, offset + Number(address - start)),
    )
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The file behind an area, even where its name is gone; undefined where there is none, or it can't be read. */
function openMapped(task: TaskReader, { start, name }: MapArea): number | undefined {
  if (!name.startsWith('/')) return undefined
  // Joined areas begin with one that the kernel knows by its own range: proc_pid_map_files(5).
  const mapped = task.areas.find((area) => area.start === start)
  if (!mapped) return undefined
  const range = [mapped.start, mapped.end].map((address) => BigInt(`0x${address}`).toString(16))
  try {
    return openSync(`${task.proc.path}/map_files/${range.join('-')}`, 'r')
  } catch {
    return undefined
  }
}

/** A page of a file as a mapping shows it: zeros beyond its end. */
function filePage(file: number, position: number): Buffer {
  const page = Buffer.alloc(PAGE)
  readSync(file, page, 0, PAGE, position)
  return page
}

function digestArea(
  memory: number,
  pagemap: number,
  area: MapArea,
  masks: readonly Range[],
  fileAt: (address: bigint) => Buffer | undefined,
): AreaDigest {
  const hash = createHash('sha256')
  const pages: [string, string][] = []
  for (const run of runs(pagemap, area)) {
    const bytes = Buffer.alloc(run.count * PAGE)
    readFully(memory, bytes, run.start)
    blank(bytes, run.start, masks)
    for (let at = 0; at < bytes.length; at += PAGE) {
      const page = bytes.subarray(at, at + PAGE)
      const address = run.start + BigInt(at)
      // What is there without a page of the task's own: the file's bytes, or zeros.
      if (page.equals(area.name.startsWith('/') ? (fileAt(address) ?? NOTHING) : ZEROS)) continue
      const shown = address.toString(16)
      hash.update(shown).update(page)
      pages.push([shown, crc32(page).toString(16)])
    }
  }
  return { digest: hash.digest('hex'), pages }
}

/** Equals no page. */
const NOTHING = Buffer.alloc(0)
const ZEROS = Buffer.alloc(PAGE)

/** Runs of adjacent pages that are the task's own, no longer than a batch. */
function* runs(pagemap: number, area: MapArea): Generator<{ start: bigint; count: number }> {
  const { start, end } = rangeOf(area)
  const total = Number((end - start) / BigInt(PAGE))
  for (let first = 0; first < total; first += BATCH) {
    const entries = Buffer.alloc(Math.min(BATCH, total - first) * 8)
    const read = readSync(pagemap, entries, 0, entries.length, Number(start / BigInt(PAGE)) * 8 + first * 8)
    for (const { from, count } of populatedPages(entries.subarray(0, read))) {
      yield { start: start + BigInt((first + from) * PAGE), count }
    }
  }
}

function readFully(memory: number, bytes: Buffer, position: bigint): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(memory, bytes, done, bytes.length - done, position + BigInt(done))
    if (count === 0) throw new Error(`memory at ${(position + BigInt(done)).toString(16)} ended`)
    done += count
  }
}

/** Overwrites the parts of the bytes that lie in one of the ranges with zeros. */
function blank(bytes: Buffer, position: bigint, ranges: readonly Range[]): void {
  for (const { start, end } of ranges) {
    const from = Math.max(0, Number(start - position))
    const to = Math.min(bytes.length, Number(end - position))
    if (from < to) bytes.fill(0, from, to)
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
