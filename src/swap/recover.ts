import type { LandingState } from '../landing/landing.ts'
import type { JournalLine } from './journal.ts'

/** What to do with a swap whose journal is found at start. */
export type Decision =
  /** It has its verdict, or never took a step. */
  | { readonly kind: 'nothing' }
  /** Same boot, before the jump: take back these steps, the last one first. */
  | { readonly kind: 'undo'; readonly steps: readonly string[] }
  /** Another boot, which restored the checkpoint: on the new kernel, or back on the old one. */
  | { readonly kind: 'settle'; readonly fellBack: boolean }
  /** The machine went down while the memory was in it alone: everything started cold. */
  | {
      readonly kind: 'lost'
      readonly when: 'before-seal' | 'after-release'
    }

/** What recovery looks at. */
export interface Present {
  readonly boot: string
  /** This boot is the swap's jump into the new kernel. */
  readonly jumped: boolean
  readonly landing: LandingState
}

/** Decides what a journal asks for. Pure: everything it may depend on is given. */
export function decide(lines: readonly JournalLine[], present: Present): Decision {
  const began = lines.find((line) => line.kind === 'step')
  if (!began || lines.some((line) => line.kind === 'verdict')) return { kind: 'nothing' }
  if (began.boot === present.boot) return { kind: 'undo', steps: undone(lines).reverse() }
  if (present.landing === 'sealed' || present.landing === 'released') {
    return { kind: 'settle', fellBack: !present.jumped }
  }
  return settledHere(lines, present) ?? lost(lines, present)
}

/**
 * The landing was cleared on this boot, by a kernelswap that was ended before its verdict. It is cleared where all was
 * lost as well, but then nothing was verified before.
 */
function settledHere(lines: readonly JournalLine[], { boot, jumped }: Present): Decision | undefined {
  const here = lines.filter((line) => line.kind === 'step' && line.boot === boot)
  const phases = here.map((line) => line.kind === 'step' && line.phase)
  if (!phases.includes('verify') || !phases.includes('settle')) return undefined
  return { kind: 'settle', fellBack: !jumped }
}

function lost(lines: readonly JournalLine[], { landing }: Present): Decision {
  const landed = landing === 'stale' || lines.some((line) => line.kind === 'step' && line.phase === 'verify')
  return {
    kind: 'lost',
    when: landed ? 'after-release' : 'before-seal',
  }
}

/** Steps that were begun and not taken back, in the order they were begun. */
function undone(lines: readonly JournalLine[]): string[] {
  const steps = new Set<string>()
  for (const line of lines) {
    if (line.kind === 'step') steps.add(line.step)
    if (line.kind === 'undo') steps.delete(line.step)
  }
  return [...steps]
}
