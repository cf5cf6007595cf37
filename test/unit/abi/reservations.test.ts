import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import { type Snapshot, takeSnapshot } from '../../../src/abi/snapshot.ts'
import { type Probe, startProbe } from '../../../src/tools/probe.ts'
import { Victim } from './victim.ts'

const isRoot = process.getuid?.() === 0

let victim: Victim

beforeAll(async () => {
  victim = await Victim.start()
  await victim.do('import ctypes, mmap, os; libc = ctypes.CDLL(None); libc.mmap.restype = ctypes.c_void_p')
  await victim.do(
    'area = lambda size, prot, flags, fd=-1: libc.mmap(None, ctypes.c_size_t(size), prot, flags, fd, ctypes.c_long(0))',
  )
  // PROT_NONE, then MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, as JVMs, Go and sanitizers do.
  await victim.do('reserved = area(8 << 40, 0, 0x4022)')
  await victim.do(
    'sparse = area(2 << 40, 3, 0x4022); middle = sparse + (1 << 40); ctypes.memset(middle, 7, 1)',
  )
  await victim.do('file = os.memfd_create("sparse"); os.ftruncate(file, 1 << 40)')
  await victim.do('shared = area(1 << 40, 3, 1, file) + (1 << 39); ctypes.memset(shared, 7, 1)')
})
afterAll(() => victim?.end())

function snapshot(probe?: Probe): Promise<Snapshot> {
  return victim.whileStopped(() => takeSnapshot([victim.pid], { strict: true, probe }))
}

/** Bytes that we have read so far, of files of /proc as well: proc_pid_io(5). */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1])
}

test.skipIf(!isRoot)(
  'eleven terabytes of address space with three pages in them cost what three pages cost',
  async () => {
    const began = bytesRead()
    const before = await snapshot()
    expect(bytesRead() - began).toBeLessThan(64 * 1024 * 1024)
    await victim.do('ctypes.memset(middle, 8, 1); ctypes.memset(shared, 8, 1)')
    const { differences, unverified } = diffSnapshots(before, await snapshot(), { strict: true })
    const lines = (facet: string) => differences.filter((one) => one.facet === facet).map(({ line }) => line)
    expect(lines('memory-bytes').filter((line) => line.includes('page at'))).not.toEqual([])
    expect(lines('shared-memory-bytes')).toEqual([expect.stringContaining('memfd:sparse')])
    expect(unverified.filter(({ facet }) => facet.includes('memory'))).toEqual([])
  },
)

test.skipIf(!isRoot)(
  'where the kernel can’t be asked what is in use, memory that is too much to look through is unverified',
  async () => {
    const mute: Probe = { ask: async () => ({ answers: new Map(), failure: 'no probe' }), dismiss: () => {} }
    const began = bytesRead()
    const [task] = (await snapshot(mute)).tasks
    expect(bytesRead() - began).toBeLessThan(64 * 1024 * 1024)
    expect(task!.facets['memory-bytes']).toEqual({
      unverified: expect.stringMatching(/^it reserves 20\d\d GiB, .*no probe/),
    })
  },
)

test.skipIf(!isRoot)('without the answer each page is looked up, to the same end', async () => {
  const small = await Victim.start()
  try {
    const both = await small.whileStopped(async () => {
      const asked = await takeSnapshot([small.pid], { strict: true })
      const probe = await startProbe()
      const forgetful: Probe = {
        ask: (questions) => probe.ask({ ...questions, pages: [] }),
        dismiss: () => probe.dismiss(),
      }
      return [asked, await takeSnapshot([small.pid], { strict: true, probe: forgetful })] as const
    })
    const [asked, lookedUp] = both.map(({ tasks }) => tasks[0]!.facets['memory-bytes'])
    expect(Object.keys((asked as { value: object }).value).length).toBeGreaterThan(5)
    expect(lookedUp).toEqual(asked)
  } finally {
    small.end()
  }
})
