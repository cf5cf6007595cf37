import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { verify, verifyRunning, type WorkloadOutcome } from '../../../src/swap/phases/verify.ts'
import type { WorkloadPlan } from '../../../src/swap/plan.ts'
import { checkpointDirectory, type Swap } from '../../../src/swap/store.ts'
import { endTasks, startTask, stateOf, stop } from '../workload/stopped-tasks.ts'
import { planWith } from './plans.ts'

const unit = 'redis-server.service'
const controlGroup = `/system.slice/${unit}`
vi.mock(import('../../../src/tools/systemd.ts'), async (original) => ({
  ...(await original()),
  showUnits: (units) =>
    Promise.resolve(
      units.map(() => ({
        ActiveState: 'active',
        SubState: 'running',
        MainPID: '572',
        ControlGroup: controlGroup,
      })),
    ),
}))
vi.mock(import('../../../src/hooks/built-in.ts'), async (original) => ({
  ...(await original()),
  isAbiHookOn: () => Promise.resolve(true),
}))

const directory = mkdtempSync(join(tmpdir(), 'kernelswap-verify-'))
afterAll(() => rmSync(directory, { recursive: true }))

const workload: WorkloadPlan = {
  ...{ unit, policy: 'preserve', onRestoreFailure: 'cold', onVerifyFailure: 'cold', tolerate: {} },
  ...{ verdict: 'ready', obstacles: [], mainPid: 572, controlGroup },
  ...{ processes: 1, memoryBytes: 0, connections: 0, trialSeconds: null },
}

/** Tasks that are held until they were compared would be held for good by what throws. */
test.each<[string, { after?: string }, string]>([
  ['no snapshot was taken afterwards', {}, 'there is no snapshot'],
  ['a snapshot is no document', { after: '{"tasks":' }, 'JSON'],
  ['a snapshot is of another kernelswap', { after: '{"programs":[]}' }, ''],
])('a unit is back where %s, and the report says that it was not compared', async (_, { after }, why) => {
  const swap = { directory, plan: { ...planWith(), workloads: [workload] } } as unknown as Swap
  const checkpoint = checkpointDirectory(swap, unit)
  rmSync(checkpoint, { recursive: true, force: true })
  await mkdir(checkpoint, { recursive: true })
  await writeFile(join(checkpoint, 'abi-before.json'), '{"tasks":[]}')
  if (after !== undefined) await writeFile(join(checkpoint, 'abi-after.json'), after)
  const [outcome] = await verify(swap)
  expect(outcome).toMatchObject({ unit, outcome: 'preserved', pid: 572 })
  expect(outcome!.reason).toMatch(/^it could not be compared with what it was: /)
  expect(outcome!.reason).toContain(why)
  expect(outcome!.abi).toBeUndefined()
})

describe('once they are released', () => {
  const swap = { directory, plan: { ...planWith(), workloads: [workload] } } as unknown as Swap
  const back: WorkloadOutcome = { unit, outcome: 'preserved', pid: 572, reason: null }
  afterEach(endTasks)

  test('a task that was left stopped is woken, and one that was stopped before is not', async () => {
    const [ran, wasStopped] = [await startTask(), await startTask()]
    await note(`${ran} running\n${wasStopped} stopped\n`)
    await stop(ran)
    await stop(wasStopped)
    expect(await verifyRunning(swap, [back])).toEqual([back])
    expect([stateOf(ran), stateOf(wasStopped)]).toEqual(['running', 'stopped'])
  })

  /** Such as one that a tracer holds: SIGCONT doesn't end that. */
  test('nobody says that a service goes on whose task stays stopped', async () => {
    const ran = await startTask()
    await note(`${ran} running\n`)
    const tracer = spawn('perl', ['-e', trace, String(ran)])
    await once(tracer.stdout, 'data')
    const [outcome] = await verifyRunning(swap, [{ ...back, reason: 'nice differs' }])
    tracer.kill()
    expect(outcome!.reason).toBe(`nice differs; PID ${ran} is stopped, and was not before`)
  })

  async function note(tasks: string): Promise<void> {
    await mkdir(checkpointDirectory(swap, unit), { recursive: true })
    await writeFile(join(checkpointDirectory(swap, unit), 'tasks'), tasks)
  }

  /** PTRACE_ATTACH, 16, and waits for the stop; ptrace(2) is 101 on x86-64 and 117 on others. */
  const trace = `
    $| = 1;
    syscall(${process.arch === 'x64' ? 101 : 117}, 16, $ARGV[0] + 0, 0, 0) >= 0 or die $!;
    waitpid($ARGV[0], 0x40000000);
    print "stopped\\n";
    sleep`
})
