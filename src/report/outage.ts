import type { Report } from './report.ts'

/**
 * Seconds that services stood still: from the freeze until the restored tasks went on. A landing that released them by
 * itself says when (`boot` begins there); held ones wait until they are verified.
 */
export function outageSeconds({ timeline }: Pick<Report, 'timeline'>): number {
  const from = timeline.findIndex(({ phase }) => phase === 'freeze')
  if (from < 0) return 0
  const end = timeline.findIndex(({ phase }) => phase === 'boot' || phase === 'settle')
  const still = timeline.slice(from, end < 0 ? undefined : end)
  return still.reduce((sum, { seconds }) => sum + seconds, 0)
}
