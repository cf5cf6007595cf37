import type { JournalLine } from '../src/swap/journal.ts'
import { bootMoments, type Clocks, counterAt, type Moment } from './clock.ts'

/** Part of an outage; seconds of guest time. */
export interface Phase {
  readonly name: string
  readonly seconds: number
}

/** From one reading of the counter to another, in ticks. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** How long a span is, in seconds. */
export function secondsOf({ from, to }: Span, hz: number): number {
  return (to - from) / hz
}

/** What a span was made up of: each moment begins a phase that lasts until the next one. */
export function phasesWithin(span: Span, moments: readonly Moment[], hz: number): Phase[] {
  const sorted = moments.toSorted((a, b) => a.at - b.at)
  return sorted.flatMap(({ name, at }, index) => {
    const from = Math.max(at, span.from)
    const to = Math.min(sorted[index + 1]?.at ?? Number.POSITIVE_INFINITY, span.to)
    return to > from ? [{ name, seconds: secondsOf({ from, to }, hz) }] : []
  })
}

/** What a swap did when, from its journal (before the jump), the boot and the landing's log. */
export function swapMoments(swap: {
  readonly journal: readonly JournalLine[]
  readonly landLog: string
  readonly before: Clocks
  readonly after: Clocks
}): Moment[] {
  return [
    ...journalMoments(swap.journal, swap.before),
    ...bootMoments(swap.after),
    ...landingMoments(swap.landLog, swap.after),
  ]
}

function journalMoments(lines: readonly JournalLine[], clocks: Clocks): Moment[] {
  return lines.flatMap((line) => {
    if (line.kind !== 'step' || line.boot !== clocks.boot) return []
    const name = line.phase === line.step ? line.phase : `${line.phase}: ${line.step}`
    return [{ name, at: counterAt(clocks, 'real', line.time) }]
  })
}

/** Marks of the landing (src/landing/static/land) stand at the end of a step; this is what begins after each. */
const afterMark: Readonly<Record<string, string>> = {
  landing: 'land: gate, network',
  network: 'land: seals, files',
  files: 'land: restore',
  restored: 'land: release',
  'gate-open': 'client: next try',
}

/** The landing's log has wall clock, seconds since the kernel started (proc_uptime(5)) and the mark on each line. */
function landingMoments(log: string, clocks: Clocks): Moment[] {
  return [...log.matchAll(/^\S+ (\S+) (\S+)$/gm)].flatMap(([, uptime, mark]) => {
    const name = afterMark[mark!]
    return name === undefined ? [] : [{ name, at: counterAt(clocks, 'monotonic', Number(uptime)) }]
  })
}

/** What a cold start was made up of; `leaving` is what comes before the next kernel. */
export function coldMoments(leaving: string, from: number, after: Clocks): Moment[] {
  return [{ name: leaving, at: from }, ...bootMoments(after)]
}
