import { afterEach, expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import { type Snapshot, takeSnapshot, takeSnapshots } from '../../../src/abi/snapshot.ts'
import { endTasks, startTask, stop } from '../workload/stopped-tasks.ts'

afterEach(endTasks)

/** As a swap takes it, which holds every task and knows who was stopped before. */
async function held(pid: number, stopped: readonly number[]): Promise<Snapshot> {
  const [snapshot] = await takeSnapshots([[pid]], { strict: false, stopped: [new Set(stopped)] })
  return snapshot!
}

function difference(before: Snapshot, after: Snapshot, strict = false): string[] {
  const { differences } = diffSnapshots(before, after, { strict })
  return differences.filter(({ facet }) => facet === 'state').map(({ line }) => line)
}

test('the stop of a swap is not the task’s own', async () => {
  const pid = await startTask()
  await stop(pid)
  const before = await held(pid, [])
  process.kill(pid, 'SIGCONT')
  expect(difference(before, await takeSnapshot([pid], { strict: false }))).toEqual([])
})

test.each([
  ['one that was stopped before, and runs', true],
  ['one that ran before, and is stopped', false],
])('a task that a swap leaves other than it was is told: %s', async (_, wasStopped) => {
  const pid = await startTask()
  await stop(pid)
  const before = await held(pid, wasStopped ? [pid] : [])
  if (wasStopped) process.kill(pid, 'SIGCONT')
  const after = await takeSnapshot([pid], { strict: false })
  expect(difference(before, after)).toEqual([wasStopped ? 'stopped → not stopped' : 'not stopped → stopped'])
  expect(difference(before, before)).toEqual([])
})
