import { thisDistribution } from '../os/distributions.ts'
import type { ChangelogEntry } from '../os/kernel-files.ts'

/** What separates two kernels, by their changelogs. */
export interface ChangelogDifference {
  /** Of the later versions. */
  readonly fixes: number
  /** Numbers that the earlier kernel's changelog doesn't have, in order. */
  readonly cves: readonly string[]
  /** What the earlier kernel has and the later one hasn't, as when it goes back. */
  readonly lostFixes: number
  readonly lostCves: readonly string[]
}

/**
 * Compares two changelogs. Without that of the earlier kernel, whose package may be gone, its version tells where the
 * later one's begins.
 * @returns undefined where that isn't in it.
 */
export function changelogDifference(
  before: { readonly changelog: string | undefined; readonly version: string | undefined },
  after: { readonly changelog: string },
): ChangelogDifference | undefined {
  const distribution = thisDistribution()
  const is = distribution.parseChangelog(after.changelog)
  if (before.changelog === undefined) {
    const from = is.findIndex(
      ({ version }) => version === distribution.versionInChangelog(before.version ?? ''),
    )
    return from < 0 ? undefined : { ...sum(is.slice(0, from)), lostFixes: 0, lostCves: [] }
  }
  const was = distribution.parseChangelog(before.changelog)
  const [got, lost] = [sum(missing(is, was)), sum(missing(was, is))]
  const [old, now] = [was, is].map((entries) => new Set(sum(entries).cves))
  return {
    fixes: got.fixes,
    cves: got.cves.filter((cve) => !old!.has(cve)),
    lostFixes: lost.fixes,
    lostCves: lost.cves.filter((cve) => !now!.has(cve)),
  }
}

/** Entries of which another changelog has no version. */
function missing(entries: readonly ChangelogEntry[], other: readonly ChangelogEntry[]): ChangelogEntry[] {
  const versions = new Set(other.map(({ version }) => version))
  return entries.filter(({ version }) => !versions.has(version))
}

function sum(entries: readonly ChangelogEntry[]): Pick<ChangelogDifference, 'fixes' | 'cves'> {
  return {
    fixes: entries.reduce((count, { fixes }) => count + fixes, 0),
    cves: [...new Set(entries.flatMap(({ cves }) => cves))].sort((a, b) =>
      a.localeCompare(b, 'en', { numeric: true }),
    ),
  }
}
