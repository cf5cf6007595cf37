import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  async () => {
    expect(await changedIn('/cat', 'first = code[0]; code[0] = first')).toEqual([])
    expect(await changedIn('/cat', 'code[0] = first ^ 1')).toHaveLength(1)
    expect(await changedIn('/cat', 'code[0] = first')).toHaveLength(1)
  },
)

/** Wakes a process with SIGALRM and SIGSTOP pending: the kernel pushes the frame of the one, and the other stops it. */
const interrupt = `
import ctypes, os, signal, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None)
call = lambda request: libc.ptrace(ctypes.c_long(request), ctypes.c_long(pid), None, None)
SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
assert call(SEIZE) == 0 and call(INTERRUPT) == 0
os.waitpid(pid, WALL)
# To this thread: a process's signal would go to one that no debugger holds.
assert libc.tgkill(pid, pid, signal.SIGALRM) == 0
os.kill(pid, signal.SIGSTOP)
assert call(DETACH) == 0
`

test.skipIf(process.getuid?.() !== 0 || process.arch !== 'x64')(
  'a task that was stopped right before a signal handler is as it was before the signal',
  async () => {
    await victim.do('signal.signal(signal.SIGALRM, lambda *_: None)')
    // It waits for the next line: read(2) of descriptor 0.
    await expect.poll(() => readFileSync(`/proc/${victim.pid}/syscall`, 'utf8')).toMatch(/^0 0x0 /)
    const before = await victim.whileStopped(() => takeSnapshot([victim.pid], { strict: true }))
    execFileSync('python3', ['-c', interrupt, String(victim.pid)])
    const after = await victim.whileStopped(async () => {
      return takeSnapshot([victim.pid], { strict: true })
    })
    const differences = diffSnapshots(before, after, { strict: true }).differences
    expect(differences.filter(({ facet }) => ['memory-bytes', 'registers'].includes(facet))).toEqual([])
  },
)
