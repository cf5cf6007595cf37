import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { diffSnapshots } from '../../../src/abi/diff.ts'
import { type Snapshot, takeSnapshot, takeSnapshots } from '../../../src/abi/snapshot.ts'
import { untilAsleep } from '../asleep.ts'

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(program: string, ...args: string[]): number {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  return child.pid!
}

async function startNode(): Promise<number> {
  const pid = start(process.execPath, '-e', 'setInterval(() => {}, 1e6); console.log("up")')
  await once(children.at(-1)!.stdout!, 'data')
  return pid
}

test.each([false, true])('two snapshots of a quiet sleep are equal (strict: %s)', async (strict) => {
  const pid = start('sleep', '1000')
  await untilAsleep(pid)
  // Strict means held stopped: nanosleep(2) notes what is left when it is interrupted, by ptrace(2) too.
  if (strict) process.kill(pid, 'SIGSTOP')
  const before = await takeSnapshot([pid], { strict })
  const after = await takeSnapshot([pid], { strict })
  const result = diffSnapshots(before, after, { strict })
  expect(result.differences).toEqual([])
  expect(result.facets.equal).toBeGreaterThan(90)
  expect(result.explained).toEqual([])
})

test('two snapshots of a running Node have no differences', async () => {
  const pid = await startNode()
  const before = await takeSnapshot([pid], { strict: false })
  const after = await takeSnapshot([pid], { strict: false })
  expect(diffSnapshots(before, after, { strict: false }).differences).toEqual([])
})

test('a snapshot survives being written and read', async () => {
  const before = await takeSnapshot([start('sleep', '1000')], { strict: true })
  const read = JSON.parse(JSON.stringify(before)) as Snapshot
  expect(diffSnapshots(before, read, { strict: true }).differences).toEqual([])
})

test('what can’t be read is unverified, with the reason', async () => {
  const pid = start('sleep', '1000')
  const snapshot = await takeSnapshot([pid], { strict: false })
  const { unverified } = diffSnapshots(snapshot, snapshot, { strict: true })
  expect(unverified).toContainEqual({ facet: 'memory-bytes', reason: 'one snapshot was taken without it' })
})

/** PTRACE_TRACEME: whoever is traced already can't be by us. */
test.runIf(process.arch === 'x64')('nothing is unverified of held tasks that nobody traces', async () => {
  const pids = [start('sleep', '1000'), start('perl', '-e', 'syscall(101, 0, 0, 0, 0); sleep 1000')]
  await expect.poll(() => readFileSync(`/proc/${pids[1]}/status`, 'utf8')).toMatch(/^TracerPid:\t[1-9]/m)
  const [untraced, traced] = await takeSnapshots(
    pids.map((pid) => [pid]),
    { strict: true },
  )
  expect(diffSnapshots(untraced!, untraced!, { strict: true }).unverified).toEqual([])
  expect(diffSnapshots(traced!, traced!, { strict: true }).unverified).toContainEqual({
    facet: 'interval-timers',
    reason: expect.stringContaining('ptrace'),
  })
})

test('several workloads are snapshotted apart', async () => {
  const [first, second] = [start('sleep', '1000'), start('sleep', '1000')]
  const snapshots = await takeSnapshots([[first], [second]], { strict: false })
  expect(snapshots.map(({ tasks }) => tasks.map(({ pid }) => pid))).toEqual([[first], [second]])
})

test('a process that is gone is one difference', async () => {
  const pid = start('sleep', '1000')
  const before = await takeSnapshot([pid], { strict: false })
  children[0]!.kill('SIGKILL')
  await once(children[0]!, 'exit')
  const { differences } = diffSnapshots(before, await takeSnapshot([pid], { strict: false }), {
    strict: false,
  })
  expect(differences).toEqual([{ task: `${pid} (sleep)`, facet: 'pid', line: 'gone' }])
})

/** Each swap that wasn't strict was `degraded` while a worker of a database happened to be there. */
test('a child that ends, or comes, while its parent runs is explained, and none is lost while they are held', async () => {
  const pid = start('sh', '-c', 'sleep 1000 & wait')
  const childrenOf = () =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  await expect.poll(childrenOf).toHaveLength(1)
  const child = Number(childrenOf()[0])
  const [whole, alone] = [
    await takeSnapshot([pid, child], { strict: false }),
    await takeSnapshot([pid], { strict: false }),
  ]
  process.kill(child, 'SIGKILL')
  for (const [before, after] of [
    [whole, alone],
    [alone, whole],
  ] as const) {
    expect(diffSnapshots(before, after, { strict: false }).differences).toEqual([])
    const held = diffSnapshots({ ...before, strict: true }, { ...after, strict: true }, { strict: true })
    expect(held.differences.filter(({ facet }) => facet === 'pid')).toHaveLength(1)
  }
})
