import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { verify } from '../../../src/swap/phases/verify.ts'
import type { WorkloadPlan } from '../../../src/swap/plan.ts'
import { checkpointDirectory, type Swap } from '../../../src/swap/store.ts'
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
