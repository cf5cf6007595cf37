import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { takeSnapshot } from '../../../src/abi/snapshot.ts'
import { stop } from '../workload/stopped-tasks.ts'

/** Blocks SIGUSR1 (10), and waits in ppoll(2) with nearly all signals blocked. */
const waits = `
import ctypes, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
libc = ctypes.CDLL(None)
all = (ctypes.c_ulong * 1)(2**64 - 1)
print("waits", flush=True)
while True: libc.ppoll(None, 0, None, all)
`

let pid = 0

afterEach(() => void process.kill(pid, 'SIGKILL'))

/** Of a restored task the call is made again, and only then has its mask: 60 signals would differ, and none does. */
test.runIf(process.getuid?.() === 0)(
  'blocked signals are those of the task, not those of a call that it waits in',
  async () => {
    const task = spawn('python3', ['-c', waits], { stdio: ['ignore', 'pipe', 'inherit'] })
    pid = task.pid!
    await once(task.stdout, 'data')
    await expect.poll(() => readFileSync(`/proc/${pid}/syscall`, 'utf8')).toMatch(/^271 /)
    await stop(pid)
    const { tasks } = await takeSnapshot([pid], { strict: true })
    expect(tasks[0]!.threads[0]!.facets['signals-blocked']).toEqual({ value: '0000000000000200' })
  },
)
