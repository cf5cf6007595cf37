import { expect, test } from 'vitest'
import { type Report, reportSchema } from '../../../src/report/report.ts'
import { reportText as reportLines } from '../../../src/report/text.ts'
import { reportWith } from './reports.ts'

const reportText = (report: Report) => reportLines(report).join('\n')

type Workload = Report['workloads'][number]

const report = reportWith({
  kernel: { from: 'old', to: 'new', running: 'new' },
  timeline: [
    { phase: 'stage', seconds: 1.25 },
    { phase: 'freeze', seconds: 123.456 },
  ],
})
const redis: Workload = report.workloads[0]!
const difference = { task: '331 (redis-server)', facet: 'nice', line: '0 → 5' }
const abi: NonNullable<Workload['abi']> = {
  strict: true,
  facets: { equal: 100, explained: 4, differing: 1, unverified: 2 },
  differences: [difference],
  tolerated: [],
  explained: [],
  unverified: [],
}

test('a swap that went well fits on a few lines', () => {
  expect(reportText(report)).toBe(
    [
      'swap 20261123224540: swapped',
      '',
      'kernel     old → new',
      'workload   redis-server.service: preserved, PID 331',
      'stage              1.3 s',
      'freeze           123.5 s',
    ].join('\n'),
  )
})

test('what the plan expected of the outage is held against it', () => {
  const told = (predicted: number | null) =>
    reportText({ ...report, outage: { seconds: 20.04, predicted } })
      .split('\n')
      .at(-1)
  expect(told(25)).toBe('outage            20.0 s  (services stood still; 25.0 s expected)')
  expect(told(null)).toMatch(/nobody knew how long/)
})

test('whatever is not well says why', () => {
  const text = reportText({
    ...report,
    verdict: 'degraded',
    reason: 'redis was not restored.',
    kernel: { ...report.kernel, running: 'old' },
    workloads: [
      { ...redis, outcome: 'cold', pid: { before: 331, after: 900 }, reason: 'CRIU could not restore it' },
      { ...redis, unit: 'app.service', policy: 'restart', outcome: 'cold' },
    ],
  })
  expect(text).toContain('swap 20261123224540: degraded\n  redis was not restored.\n')
  expect(text).toContain('kernel     old → new (running: old)')
  expect(text).toContain('redis-server.service: cold, PID 331 → 900; CRIU could not restore it')
  // The admin asked for it: what counts is that it was a restart, not that it is cold.
  expect(text).toContain('app.service: restart, PID 331')
})

test('differences are listed, with the counts of what was compared', () => {
  const text = reportText({ ...report, workloads: [{ ...redis, abi }] })
  expect(text).toContain('ABI facets: 100 equal, 4 explained, 1 differing, 2 unverified\n')
  expect(text).toContain('nice of 331 (redis-server): 0 → 5')
})

test('the freeze says what it went into', () => {
  const text = reportText({ ...report, freeze: [{ step: 'snapshot', seconds: 12.3, share: 0.0996 }] })
  expect(text).toMatch(/^freeze +123.5 s\n {2}snapshot +12.3 s +10 %$/m)
  expect(reportText(report)).not.toContain('snapshot')
})

test('a difference that the configuration tolerates is listed with its reason', () => {
  const tolerated = [{ ...difference, reason: 'the service renices itself every minute' }]
  const text = reportText({
    ...report,
    workloads: [{ ...redis, abi: { ...abi, differences: [], tolerated } }],
  })
  expect(text).toContain(
    'nice of 331 (redis-server): 0 → 5 (tolerated: the service renices itself every minute)',
  )
})

test('hooks that are fine are counted, the others say why; who had nothing to say is left out', () => {
  const ok = { hook: 'all/10-unit', outcome: 'ok', reason: null, findings: [] } as const
  const differs = {
    hook: 'redis-server.service/50-redis',
    outcome: 'differs',
    reason: '60 keys are now 3',
    findings: [
      { level: 'difference', message: '60 keys are now 3' },
      { level: 'difference', message: 'another run id' },
      { level: 'note', message: '2 clients' },
    ],
  } as const
  const broken = { ...ok, hook: 'all/90-own', outcome: 'broken', reason: 'ran out of time' } as const
  const hooks = [
    ok,
    { ...ok, outcome: 'silent' as const },
    { ...differs, findings: [...differs.findings] },
    broken,
  ]
  const text = reportText({
    ...report,
    workloads: [{ ...redis, hooks: hooks.map((hook) => ({ ...hook, findings: [...hook.findings] })) }],
  })
  expect(text.split('\n').slice(4, 8)).toEqual([
    '           hooks: 1 of 3 fine',
    '             redis-server.service/50-redis differs: 60 keys are now 3',
    '               another run id',
    '             all/90-own is broken: ran out of time',
  ])
})

test('clients of a rehearsal tell whether they noticed more than a pause', () => {
  const client = {
    service: 'redis-server.service',
    connectionSurvived: true,
    requests: 5000,
    errors: 0,
    lost: 1,
    doubled: 2,
    gapSeconds: 12.34,
    problem: null,
  }
  expect(reportText({ ...report, clients: [client] })).toContain(
    'client     redis-server.service: connection survived, 5000 requests, 0 errors, 1 lost, 2 doubled, longest wait 12.3 s',
  )
  const lost = reportText({ ...report, clients: [{ ...client, connectionSurvived: false }] })
  expect(lost).toContain('redis-server.service: connection lost')
})

test('a report that was kept is the report that is read', () => {
  const full: Report = { ...report, workloads: [{ ...redis, abi }] }
  expect(reportSchema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full)
})
