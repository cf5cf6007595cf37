import { release } from 'node:os'

/**
 * What `uname -r` may print: numbers, and what a distribution or builder adds. Copies that others keep beside a kernel are
 * none: installkernel(8)'s `.old`, dpkg's and editors' own.
 */
const releaseName = /^\d+(\.\d+)+([-+~_.][\w.+~-]*)?$/
const copy = /(\.(old|bak|orig|sav|save|disabled|dpkg-\w+|rpm\w+)|~)$/

/** Those names that are releases of kernels, the oldest first. */
export function releasesAmong(names: readonly string[]): string[] {
  return names.filter((name) => releaseName.test(name) && !copy.test(name)).sort(compareReleases)
}

/** Compares piece by piece, numbers as numbers. A release candidate (`~rc7`, `-rc7`) comes before its release. */
function compareReleases(a: string, b: string): number {
  const [left, right] = [a, b].map((release) => release.replace('-rc', '~rc').match(/\d+|~|[^\d~]+/g) ?? [])
  const rank = (piece: string | undefined) => (piece === '~' ? 0 : piece === undefined ? 1 : 2)
  for (let index = 0; index < Math.max(left!.length, right!.length); index += 1) {
    const [one, other] = [left![index], right![index]]
    const order = rank(one) - rank(other)
    if (order !== 0) return order
    if (one !== other) return one!.localeCompare(other!, 'en', { numeric: true })
  }
  return 0
}

/** The newest of the installed kernels (the oldest first) if it is newer than another release. */
export function newerKernel(installed: readonly string[], than: string): string | undefined {
  return installed.filter((release) => compareReleases(release, than) > 0).at(-1)
}

/** The release of the running kernel. */
export function runningKernel(): string {
  return release()
}
