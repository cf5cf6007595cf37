import { describe, expect, test } from 'vitest'
import type { Likeness } from '../../../../src/rehearsal/like/likeness.ts'
import {
  predictionOf,
  predictUnits,
  refusalsIn,
  refusalsThere,
  type Seen,
} from '../../../../src/rehearsal/like/prediction.ts'
import type { Report } from '../../../../src/report/report.ts'
import type { Plan, WorkloadPlan } from '../../../../src/swap/plan.ts'
import type { Obstacle } from '../../../../src/workload/obstacle.ts'

const kernel = { from: '6.12.1', to: '6.12.2' }
const unit = 'app.service'
const obstacle: Obstacle = {
  code: 'dump-failed',
  reason: 'it holds a device',
  remedy: '--restart app.service',
}

/** Nothing differs. */
const same = {
  ...{ strict: true, facets: { equal: 2, explained: 0, differing: 0, unverified: 0 } },
  ...{ differences: [], tolerated: [], explained: [], unverified: [] },
}

function planOf(workload: Partial<WorkloadPlan> = {}, host: Plan['host'] = []): Plan {
  return {
    ...{ schema: 'kernelswap.plan/1', kernel, ready: true, strict: true, keep: 2, watchdogSeconds: 0, host },
    workloads: [
      {
        ...{ unit, policy: 'preserve', onRestoreFailure: 'cold', onVerifyFailure: 'keep', tolerate: {} },
        ...{ verdict: 'ready', obstacles: [], mainPid: 1, controlGroup: '/', processes: 1 },
        ...{ memoryBytes: 1, connections: 0, trialSeconds: null },
        ...workload,
      },
    ],
  }
}

function reportOf(
  workload: Partial<Report['workloads'][number]> = {},
  verdict: Report['verdict'] = 'swapped',
  reason: string | null = null,
): Report {
  return {
    ...{ schema: 'kernelswap.report/1', id: '1', verdict, reason, kernel: { ...kernel, running: kernel.to } },
    workloads: [
      {
        ...{ unit, policy: 'preserve', outcome: 'preserved', pid: { before: 1, after: 1 }, reason: null },
        ...{ abi: same, hooks: [], ...workload },
      },
    ],
    ...{ freeze: [], timeline: [], outage: null },
  }
}

const predict = (seen: Partial<Seen>) =>
  predictUnits([unit], { obstacles: new Map(), adopted: new Map(), report: reportOf(), ...seen })[0]

test('what came back the same is preserved, and what had to be adopted for that needs it', () => {
  expect(predict({})).toEqual({ unit, outcome: 'preserved', reason: null })
  expect(predict({ adopted: new Map([[unit, 'PrivateUsers=no']]) })).toEqual({
    ...{ unit, outcome: 'needs-adopt', reason: 'PrivateUsers=no' },
  })
})

test('what was not compared is not called preserved without saying so', () => {
  const report = reportOf({ abi: null })
  const left = 'what it was before and what it is now were not compared'
  expect(predict({ report })).toEqual({ unit, outcome: 'preserved', reason: left })
  expect(predict({ report, adopted: new Map([[unit, 'PrivateUsers=no']]) })?.reason).toBe(
    `PrivateUsers=no; ${left}`,
  )
})

describe("a unit can't come along", () => {
  const abi = {
    ...same,
    ...{ facets: { ...same.facets, differing: 1 } },
    differences: [{ task: '1', facet: 'nice', line: '0 → 3' }],
  }
  const hook = { hook: '10-app', outcome: 'differs' as const, reason: 'a key is gone', findings: [] }
  test.each<[string, Partial<Seen>, string]>([
    ['that does not run there', { obstacles: new Map([[unit, 'it does not start']]) }, 'it does not start'],
    ['where no swap was begun', { report: undefined }, 'no swap was begun'],
    [
      'that came back cold',
      { report: reportOf({ outcome: 'cold', reason: 'CRIU says so' }, 'degraded') },
      'CRIU says so',
    ],
    [
      'where the swap was taken back',
      { report: reportOf({}, 'aborted', 'no space') },
      'the swap aborted: no space',
    ],
    ['that came back different', { report: reportOf({ abi }, 'degraded') }, 'another nice: 0 → 3'],
    [
      'whose hook complains',
      { report: reportOf({ hooks: [hook] }, 'degraded') },
      '10-app says: a key is gone',
    ],
  ])('%s', (_, seen, reason) => {
    expect(predict({ adopted: new Map([[unit, 'adopted']]), ...seen })).toEqual({
      ...{ unit, outcome: 'cannot', reason: expect.stringContaining(reason) },
    })
  })
})

describe('a plan', () => {
  test.each<[string, Plan, string]>([
    ['refuses a unit', planOf({ obstacles: [obstacle] }), 'it holds a device; remedy: --restart app.service'],
    [
      'refuses all where the host is',
      planOf({}, [obstacle]),
      'it holds a device; remedy: --restart app.service',
    ],
    ['leaves a unit to its policy', planOf({ policy: 'restart' }), 'its policy is "restart"'],
  ])('%s', (_, plan, reason) => {
    expect(refusalsIn(plan)).toEqual(new Map([[unit, reason]]))
  })

  test('that is ready refuses nobody, nor one whose unit was adopted since', () => {
    expect(refusalsIn(planOf()).size).toBe(0)
    expect(refusalsIn(planOf({ obstacles: [obstacle] }), new Map([[unit, 'adopted']])).size).toBe(0)
  })
})

describe("the host's own plan", () => {
  const later: Obstacle = { code: 'hook-veto', reason: 'a later one', remedy: 'wait' }
  const likeness: Likeness = {
    ...{ schema: 'kernelswap.likeness/1', host: 'web', kernels: { running: '6.12.1', newest: '6.12.2' } },
    ...{ packages: [], accounts: { users: [], groups: [] }, units: [{ name: unit, package: null }] },
    obstacles: {
      host: [obstacle],
      units: [
        { unit, ...obstacle },
        { unit, ...later },
      ],
    },
    ...{ files: [], folders: [], notes: ['a package is gone'] },
  }

  test('refuses a unit by what is to be mended first', () => {
    expect(refusalsThere(likeness)).toEqual(
      new Map([[unit, 'on web: it holds a device; remedy: --restart app.service']]),
    )
  })

  test('refuses the host, which is told before what is not alike', () => {
    const seen = { obstacles: new Map(), adopted: new Map(), report: reportOf() }
    expect(predictionOf(likeness, kernel, seen, '/cache', [])).toMatchObject({
      obstacles: [obstacle],
      notes: [
        'web itself refuses any swap as it is: it holds a device; remedy: --restart app.service',
        'a package is gone',
      ],
    })
  })
})
