import type { Report } from './report.ts'

/** What an outage was made of, in seconds. */
export interface OutageParts {
  /** Freeze and landing, where checkpoints are written and read: they grow with memory. */
  readonly growing: number
  /** The jump, and verification of held tasks. */
  readonly fixed: number
}

/**
 * How long services stood still: from the freeze until the restored tasks went on. A landing that released them by
 * itself says when (`boot` begins there); held ones wait until they are verified.
 */
export function outageParts({ timeline }: Pick<Report, 'timeline'>): OutageParts {
  const from = timeline.findIndex(({ phase }) => phase === 'freeze')
  if (from < 0) return { growing: 0, fixed: 0 }
  const end = timeline.findIndex(({ phase }) => phase === 'boot' || phase === 'settle')
  const still = timeline.slice(from, end < 0 ? undefined : end)
  const sum = (grows: boolean) =>
    still
      .filter(({ phase }) => (phase === 'freeze' || phase === 'land') === grows)
      .reduce((seconds, part) => seconds + part.seconds, 0)
  return { growing: sum(true), fixed: sum(false) }
}

/** The whole of it, in seconds. */
export function outageSeconds(report: Pick<Report, 'timeline'>): number {
  const { growing, fixed } = outageParts(report)
  return growing + fixed
}
