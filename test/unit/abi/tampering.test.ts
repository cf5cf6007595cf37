import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AbiResult, diffSnapshots } from '../../../src/abi/diff.ts'
import { facets } from '../../../src/abi/facets/index.ts'
import { type Readings, type Snapshot, takeSnapshot } from '../../../src/abi/snapshot.ts'
import type { Json } from '../../../src/abi/types.ts'
import { edits, mayDiffer, mayDifferWhenConnected } from './edits.ts'
import { tamperings } from './tamperings.ts'
import { Victim } from './victim.ts'

/** A process that ran a statement has other bytes and registers than before, and may have more memory. */
const RAN = ['memory-bytes', 'registers', 'memory-map']

let victim: Victim
const caught: string[] = []

beforeAll(async () => {
  victim = await Victim.start()
})

afterAll(() => {
  victim?.end()
  process.stdout.write(`\nfacet × tampering → caught\n${caught.join('\n')}\n`)
})

// Without retries: a statement that ran has changed the victim for good.
describe.skipIf(process.getuid?.() !== 0)('a tampering is caught, and named by its facet', () => {
  test.each(tamperings)('$facet × $what', async ({ facet, what, how, also = [], first }) => {
    if (first) await victim.do(first)
    const snapshot = () => takeSnapshot(victim.pids, { strict: true })
    const before = await victim.whileStopped(snapshot)
    if (typeof how === 'string') await victim.do(how)
    const after = await victim.whileStopped(async () => {
      if (typeof how === 'function') how(victim)
      return await snapshot()
    })
    const differences = await differencesSoon(before, after, facet, () => victim.whileStopped(snapshot))
    const line = differences.find((difference) => difference.facet === facet)?.line
    caught.push(`${facet} × ${what} → ${line ?? 'MISSED'}`)
    expect(line).toBeDefined()
    const others = new Set(differences.map((difference) => difference.facet))
    for (const known of [facet, ...also, ...(typeof how === 'string' ? RAN : [])]) others.delete(known)
    expect([...others]).toEqual([])
  })
})

/** What a tampering sets off, such as the end of a process or a thread, may take the kernel a moment. */
async function differencesSoon(
  before: Snapshot,
  first: Snapshot,
  facet: string,
  again: () => Promise<Snapshot>,
): Promise<AbiResult['differences']> {
  const late = Date.now() + 30_000
  for (let after = first; ; after = await again()) {
    const { differences } = diffSnapshots(before, after, { strict: true })
    if (differences.some((difference) => difference.facet === facet) || Date.now() > late) return differences
  }
}

describe('an edited reading', () => {
  test.each(edits)('is caught: $facet', async ({ facet, why, edit }) => {
    const { differences } = await afterEdit(facet, edit)
    caught.push(`${facet} × edited (${why}) → ${differences[0]?.line ?? 'MISSED'}`)
    expect(new Set(differences.map((difference) => difference.facet))).toEqual(new Set([facet]))
  })

  test.each(mayDiffer)('is explained: $facet', async ({ facet, edit }) => {
    const { differences, explained } = await afterEdit(facet, edit)
    expect(differences).toEqual([])
    expect(explained.map((reason) => reason.facet)).toContain(facet)
  })
})

test('every facet is tampered with, explained, or unverified with a reason', async () => {
  const tested = new Set([...tamperings, ...edits, ...mayDiffer].map(({ facet }) => facet))
  for (const name of mayDifferWhenConnected) tested.add(name)
  const { unverified } = await afterEdit('umask', (value) => value)
  for (const { facet, reason } of unverified) if (reason !== '') tested.add(facet)
  expect(facets.map(({ name }) => name).filter((name) => !tested.has(name))).toEqual([])
})

/** Compares this process with itself, one reading edited. */
async function afterEdit(facet: string, edit: (value: Json) => Json): Promise<AbiResult> {
  const before = await takeSnapshot([process.pid], { strict: false })
  const edited = (readings: Readings): Readings =>
    Object.fromEntries(
      Object.entries(readings).map(([name, reading]) => [
        name,
        name === facet && 'value' in reading ? { value: edit(reading.value) } : reading,
      ]),
    )
  const after: Snapshot = {
    ...before,
    workload: edited(before.workload),
    tasks: before.tasks.map((task) => ({
      ...task,
      facets: edited(task.facets),
      threads: task.threads.map((thread) => ({ ...thread, facets: edited(thread.facets) })),
    })),
  }
  return diffSnapshots(before, after, { strict: false })
}
