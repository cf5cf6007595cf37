import type { JournalLine } from './journal.ts'

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
    seconds: Math.max(0, Math.round(((starts[index + 1]?.at ?? now) - at) * 1000) / 1000),
  }))
}

/** How long the ABI snapshot held the freeze up, and the share of the freeze that was; undefined where it wasn't taken. */
export function snapshotCost(lines: readonly JournalLine[]): { seconds: number; share: number } | undefined {
  const steps = lines.filter((line) => line.kind === 'step')
  const at = (index: number) => steps[index]?.time ?? Number.NaN
  const snapshot = steps.findIndex(({ step }) => step === 'snapshot')
  const from = steps.findIndex(({ step }) => step === 'close-gate')
  const to = steps.findIndex(({ phase }) => phase === 'jump')
  const [seconds, whole] = [at(snapshot + 1) - at(snapshot), at(to) - at(from)]
  if (!(seconds >= 0 && whole > 0)) return undefined
  return { seconds: Math.round(seconds * 1000) / 1000, share: Math.round((seconds / whole) * 1000) / 1000 }
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
