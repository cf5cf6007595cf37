import { byKey, combine, differing } from '../compare.ts'
import { type AreaDigest, digestPrivateMemory } from '../memory.ts'
import { type Comparison, facet } from '../types.ts'

export const memoryBytes = facet<Readonly<Record<string, AreaDigest>>>({
  name: 'memory-bytes',
  title: 'bytes of private memory, by digest',
  manual: 'proc_pid_mem(5)',
  scope: 'task',
  strictOnly: true,
  read: (task) => digestPrivateMemory(task),
  compare: byKey((key) => key, sameBytes),
})

/** Names the pages that differ, the first few of them. */
function sameBytes(before: AreaDigest, after: AreaDigest): Comparison {
  if (before.digest === after.digest) return combine([])
  const [was, is] = [new Map(before.pages), new Map(after.pages)]
  const pages = [...new Set([...was.keys(), ...is.keys()])].filter((page) => was.get(page) !== is.get(page))
  const named = pages.slice(0, 5).map((page) => `0x${page}`)
  const more = pages.length > named.length ? `, … (${pages.length} pages)` : ''
  return differing(`bytes differ in the page at ${named.join(', ')}${more}`)
}
