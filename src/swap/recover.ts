import type { JournalLine } from './journal.ts'

/** What to do with a swap whose journal is found at start. */
export type Decision =
  /** It has its verdict, or never took a step. */
  | { readonly kind: 'nothing' }
  /** Same boot, no verdict: take back these steps, the last one first. */
  | { readonly kind: 'undo'; readonly steps: readonly string[] }
  /** Another boot, after the seal: the landing ran; on the new kernel, or back on the old one. */
  | { readonly kind: 'settle'; readonly fellBack: boolean }
  /** Another boot, before the seal: the memory is gone, everything started cold. */
  | { readonly kind: 'lost' }

/** What recovery looks at. */
export interface Present {
  readonly boot: string
  readonly kernel: string
  /** The checkpoint was sealed, so this boot's landing restored it. */
  readonly sealed: boolean
}

/** Decides what a journal asks for. Pure: everything it may depend on is given. */
export function decide(lines: readonly JournalLine[], present: Present): Decision {
  const steps = lines.flatMap((line) => (line.kind === 'step' ? [line] : []))
  const last = lines.at(-1)
  if (!last || last.kind === 'verdict' || steps.length === 0) return { kind: 'nothing' }
  const began = steps[0]!
  if (began.boot === present.boot) return { kind: 'undo', steps: undone(lines).reverse() }
  if (!present.sealed) return { kind: 'lost' }
  return { kind: 'settle', fellBack: present.kernel === began.kernel }
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
