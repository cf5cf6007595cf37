import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { reportText } from '../../../../src/report/text.ts'
import { Journal } from '../../../../src/swap/journal.ts'
import type { WorkloadPlan } from '../../../../src/swap/plan.ts'
import { finalReport } from '../../../../src/swap/report/final-report.ts'
import { planWith } from '../plans.ts'

const directory = mkdtempSync(join(tmpdir(), 'report-'))
afterAll(() => rmSync(directory, { recursive: true }))

function workload(unit: string, policy: WorkloadPlan['policy']): WorkloadPlan {
  return {
    ...{ unit, policy, onRestoreFailure: 'cold', onVerifyFailure: 'keep', tolerate: {}, verdict: 'ready' },
    ...{ obstacles: [], mainPid: 7, controlGroup: '/', processes: 1, memoryBytes: 0, connections: 0 },
    trialSeconds: null,
  }
}

const swap = {
  id: '20261127120000',
  directory,
  plan: planWith({
    workloads: [
      workload('kept.service', 'preserve'),
      workload('other.service', 'ignore'),
      workload('again.service', 'restart'),
    ],
  }),
  journal: new Journal(directory, 'boot', 'old'),
}

test('only what was carried and came back, or was never touched, is said to be preserved', async () => {
  const aborted = await finalReport(swap, { verdict: 'aborted', reason: 'why' })
  expect(aborted.workloads.map(({ outcome }) => outcome)).toEqual(['preserved', 'ignored', 'preserved'])
  await swap.journal.append({ kind: 'step', phase: 'stage', step: 'stop-restarted' })
  const stopped = await finalReport(swap, { verdict: 'aborted', reason: 'why' })
  expect(stopped.workloads.map(({ outcome }) => outcome)).toEqual(['preserved', 'ignored', 'cold'])
  const outcomes = [
    { unit: 'kept.service', outcome: 'preserved', pid: 7, reason: null },
    { unit: 'again.service', outcome: 'cold', pid: 9, reason: null },
  ] as const
  const swapped = await finalReport(swap, { verdict: 'swapped', reason: null, outcomes })
  expect(swapped.workloads.map(({ outcome, pid }) => [outcome, pid.after])).toEqual([
    ['preserved', 7],
    ['ignored', 0],
    ['cold', 9],
  ])
  expect(reportText(swapped)).toContain('workload   other.service: ignore, PID 7')
})

test('when a unit was dumped and restored is what the logs of CRIU tell', async () => {
  const images = join(directory, 'workloads/kept.service/images')
  mkdirSync(images, { recursive: true })
  writeFileSync(join(images, 'dump.log'), 'begun')
  writeFileSync(join(images, 'restore.log'), 'begun')
  const late = new Date(Date.now() + 60_000)
  utimesSync(join(images, 'restore.log'), late, late)
  const [kept, other] = (await finalReport(swap, { verdict: 'aborted', reason: 'why' })).workloads
  expect(kept!.dump!.from).toBeGreaterThanOrEqual(0)
  expect(kept!.dump!.seconds).toBeLessThan(30)
  expect(kept!.restore!.seconds).toBeGreaterThan(30)
  expect(other!.dump).toBeUndefined()
})
