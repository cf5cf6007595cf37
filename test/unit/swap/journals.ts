import type { Entry, JournalLine } from '../../../src/swap/journal.ts'
import { phases } from '../../../src/swap/swap.ts'

/** Where and on what a line was written. */
export interface Writer {
  readonly boot: string
  readonly kernel: string
}

export const before: Writer = { boot: 'boot-before', kernel: 'old' }

export const stepEntries: readonly Extract<Entry, { kind: 'step' }>[] = phases.flatMap(({ name, steps }) =>
  steps.map((step) => ({ kind: 'step' as const, phase: name, step: step.name })),
)

/** Lines as one kernelswap writes them, a second apart. */
export function written(by: Writer, ...entries: readonly Entry[]): JournalLine[] {
  return entries.map((entry, index) => ({ version: 1, time: 1000 + index, ...by, ...entry }))
}

/** A journal that can be found at start, and what is known of how it came about. */
export interface Found {
  readonly name: string
  readonly lines: readonly JournalLine[]
  /** Steps that were begun and not taken back, the first one first. */
  readonly open: readonly string[]
}

/** Every journal that ends before the jump without a verdict: each step begun, each number of steps taken back. */
export function unfinished(): Found[] {
  return stepEntries.flatMap((_, last) => {
    const begun = stepEntries.slice(0, last + 1)
    const undos = begun.toReversed().map(({ step }): Entry => ({ kind: 'undo', step }))
    return [...undos, undefined].flatMap((_, taken) => {
      const open = begun.slice(0, begun.length - taken).map(({ step }) => step)
      const lines = written(before, ...begun, ...undos.slice(0, taken))
      const told = written(before, ...begun, ...undos.slice(0, taken), { kind: 'error', message: 'why' })
      const name = `begun up to ${begun.at(-1)!.step}, ${taken} taken back`
      return [
        { name, lines, open },
        { name: `${name}, reason told`, lines: told, open },
      ]
    })
  })
}
