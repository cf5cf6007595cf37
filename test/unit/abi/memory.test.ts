import { afterAll, beforeAll, expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import { takeSnapshot } from '../../../src/abi/snapshot.ts'
import { Victim } from './victim.ts'

let victim: Victim

beforeAll(async () => {
  victim = await Victim.start()
  await victim.do('code = mmap.mmap(os.open("/bin/cat", 0), 4096, flags=mmap.MAP_PRIVATE, prot=3)')
})
afterAll(() => victim?.end())

/** Differences of memory-bytes in the mapped file after a statement ran in the victim. */
async function changedIn(area: string, statement: string): Promise<string[]> {
  const snapshot = () => victim.whileStopped(() => takeSnapshot([victim.pid], { strict: true }))
  const before = await snapshot()
  await victim.do(statement)
  return diffSnapshots(before, await snapshot(), { strict: true })
    .differences.filter(({ facet, line }) => facet === 'memory-bytes' && line.includes(area))
    .map(({ line }) => line)
}

test.skipIf(process.getuid?.() !== 0)(
  'a page of its own that shows just what the file has is as good as none: CRIU leaves it to the file',
  { retry: 0 },
  async () => {
    expect(await changedIn('/cat', 'first = code[0]; code[0] = first')).toEqual([])
    expect(await changedIn('/cat', 'code[0] = first ^ 1')).toHaveLength(1)
    expect(await changedIn('/cat', 'code[0] = first')).toHaveLength(1)
  },
)
