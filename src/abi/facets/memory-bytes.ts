import { isKernels } from '../areas.ts'
import { combine, differing } from '../compare.ts'
import { facet } from '../facet.ts'
import { type AreaDigest, digestPrivateMemory } from '../memory.ts'
import type { Comparison } from '../types.ts'

type Digests = Readonly<Record<string, AreaDigest>>

export const memoryBytes = facet<Digests>({
  name: 'memory-bytes',
  title: 'bytes of private memory, by digest',
  manual: 'proc_pid_mem(5)',
  scope: 'task',
  strictOnly: true,
  read: (task) => digestPrivateMemory(task),
  compare(before, after) {
    const changed = Object.keys({ ...before, ...after }).filter(
      (area) => before[area]?.digest !== after[area]?.digest,
    )
    const pages = changedPages(changed, before, after)
    // The checksum of a page is short; the digest of its area isn't.
    const unlocated = changed.filter((area) => isSameLayout(before[area], after[area]) && !pages.has(area))
    return combine([
      ...[...pages].map(([area, which]) => describe(area, which)),
      ...unlocated.map((area) => differing(`${area}: bytes differ`)),
    ])
  },
})

/**
 * The pages that differ, by area. Page by page, whatever areas they lie in: an area that was split or joined is for
 * `memory-map` to tell.
 */
function changedPages(areas: readonly string[], before: Digests, after: Digests): Map<string, string[]> {
  const [was, is] = [checksums(areas, before), checksums(areas, after)]
  const changed = new Map<string, string[]>()
  for (const page of new Set([...was.keys(), ...is.keys()])) {
    const [old, present] = [was.get(page)?.checksum, is.get(page)?.checksum]
    if (old === present || isKernels(old, present)) continue
    const area = (was.get(page) ?? is.get(page))!.area
    const pages = changed.get(area)
    if (pages) pages.push(page)
    else changed.set(area, [page])
  }
  return changed
}

function isSameLayout(before: AreaDigest | undefined, after: AreaDigest | undefined): boolean {
  const addresses = (digest: AreaDigest) => digest.pages.map(([page]) => page).join(' ')
  return before !== undefined && after !== undefined && addresses(before) === addresses(after)
}

function checksums(areas: readonly string[], digests: Digests) {
  const pages = areas.flatMap((area) =>
    (digests[area]?.pages ?? []).map(([page, checksum]) => [page, { area, checksum }] as const),
  )
  return new Map(pages)
}

/** Names the first few pages. */
function describe(area: string, pages: readonly string[]): Comparison {
  const named = pages.slice(0, 5).map((page) => `0x${page}`)
  const more = pages.length > named.length ? `, … (${pages.length} pages)` : ''
  return differing(`${area}: bytes differ in the page at ${named.join(', ')}${more}`)
}
