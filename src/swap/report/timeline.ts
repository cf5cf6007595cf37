import type { JournalLine } from '../journal.ts'

export interface Stretch {
  readonly phase: string
  readonly seconds: number
}

/**
 * How long each phase took, from the journal (before the jump and after the landing) and the landing's own log.
 * @param now when the last phase ends, Unix time in seconds.
 */
export function timeline(lines: readonly JournalLine[], landLog: string, now: number): Stretch[] {
  const starts = [...phaseStarts(lines), ...landingStarts(landLog)].sort((a, b) => a.at - b.at)
  return starts.map(({ phase, at }, index) => ({
    phase,
    // A clock that was set back meanwhile must not show as a negative time.
    seconds: Math.max(0, rounded((starts[index + 1]?.at ?? now) - at)),
  }))
}

/** What was done, and when, in seconds since the swap began. */
export interface TimedStep {
  readonly phase: string
  readonly step: string
  readonly from: number
  readonly seconds: number
}

/** The landing's marks (landing/static/land), each by what had been done when it was written. */
const landed: Readonly<Record<string, string>> = {
  network: 'network',
  files: 'files',
  restored: 'restore',
  'gate-open': 'release',
}

/**
 * Every step of the journal, what the landing did between its marks, and the start of its kernel: its log tells the seconds
 * since then. Each lasts until the next one begins.
 * @param now when the last one ends, Unix time in seconds
 */
export function timedSteps(lines: readonly JournalLine[], landLog: string, now: number): TimedStep[] {
  const marks = [...landLog.matchAll(/^(\S+) (\S+) ([\w-]+)$/gm)].map(([, at, up, mark]) => ({
    at: Number(at),
    up: Number(up),
    mark: mark!,
  }))
  const landing = marks.findLast(({ mark }) => mark === 'landing')
  const starts = [
    ...lines.flatMap((line) =>
      line.kind === 'step' ? [{ phase: line.phase, step: line.step, at: line.time }] : [],
    ),
    ...(landing ? [{ phase: 'jump', step: 'kernel', at: landing.at - landing.up }] : []),
    // A mark ends one thing, and the next begins there.
    ...marks.flatMap(({ at, mark }, index) => {
      const next = marks[index + 1]
      const step = next === undefined ? undefined : landed[next.mark]
      if (mark === 'gate-open') return [{ phase: 'boot', step: 'boot', at }]
      return step === undefined ? [] : [{ phase: 'land', step, at }]
    }),
  ].sort((a, b) => a.at - b.at)
  const began = starts[0]?.at ?? now
  return starts.map(({ phase, step, at }, index) => ({
    phase,
    step,
    from: rounded(at - began),
    seconds: Math.max(0, rounded((starts[index + 1]?.at ?? now) - at)),
  }))
}

/** One step of the freeze: how long it held the services, and which share of the whole that is. */
export interface FrozenStep {
  readonly step: string
  readonly seconds: number
  readonly share: number
}

/** What the time between the gate and the jump went into; [] for a swap that didn't get there. */
export function frozenSteps(lines: readonly JournalLine[]): FrozenStep[] {
  const steps = lines.filter((line) => line.kind === 'step')
  const from = steps.findIndex(({ step }) => step === 'close-gate')
  const to = steps.findIndex(({ phase }) => phase === 'jump')
  const whole = (steps[to]?.time ?? 0) - (steps[from]?.time ?? 0)
  // Not where the clock was set back meanwhile.
  if (from < 0 || to < 0 || whole <= 0) return []
  return steps.slice(from, to).map(({ step, time }, index) => {
    const seconds = Math.max(0, steps[from + index + 1]!.time - time)
    return { step, seconds: rounded(seconds), share: rounded(seconds / whole) }
  })
}

/** To milliseconds. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

interface Start {
  readonly phase: string
  readonly at: number
}

function phaseStarts(lines: readonly JournalLine[]): Start[] {
  const starts = new Map<string, number>()
  for (const line of lines) {
    if (line.kind !== 'step') continue
    // Hooks capture at the door of the freeze, while the services still run: no part of what they miss.
    const phase = line.step === 'capture' ? line.step : line.phase
    if (!starts.has(phase)) starts.set(phase, line.time)
  }
  return [...starts].map(([phase, at]) => ({ phase, at }))
}

/** The landing begins with its first line; the gate opens with its last, and what follows isn't outage any more. */
function landingStarts(log: string): Start[] {
  const marks = [...log.matchAll(/^(\S+) \S+ (landing|gate-open)$/gm)]
  const names: Record<string, string> = { landing: 'land', 'gate-open': 'boot' }
  return marks.map((match) => ({ phase: names[match[2]!]!, at: Number(match[1]) }))
}
