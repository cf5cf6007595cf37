import { facets } from '../../../src/abi/facets/index.ts'
import type { Report } from '../../../src/report/report.ts'

type Workload = Report['workloads'][number]

const names = facets.map(({ name }) => name)

function unit(name: string, at: number, changes: Partial<Workload> = {}): Workload {
  return {
    unit: name,
    policy: 'preserve',
    outcome: 'preserved',
    pid: { before: 331 + at, after: 331 + at },
    reason: null,
    abi: {
      strict: true,
      facets: { equal: names.length - 2, explained: 2, differing: 0, unverified: 0 },
      differences: [],
      tolerated: [],
      explained: [
        { facet: 'memory-map', reason: 'a kernel puts its own areas where it likes' },
        { facet: 'cpu-time', reason: 'time goes on' },
      ],
      unverified: [],
      equal: names.slice(2),
    },
    hooks: [
      {
        hook: `${name}/50-asks`,
        outcome: 'ok',
        reason: null,
        findings: [{ level: 'note', message: '4 keys' }],
      },
    ],
    dump: { from: 4.2 + at / 20, seconds: 0.8 },
    restore: { from: 15 + at / 10, seconds: 1.4 },
    ...changes,
  }
}

/** A strict swap of four services, with clients. */
export const swapped: Report = {
  schema: 'kernelswap.report/1',
  id: '20261123224540',
  verdict: 'swapped',
  reason: null,
  kernel: { from: '6.12.47+deb13-amd64', to: '6.12.48+deb13-amd64', running: '6.12.48+deb13-amd64' },
  workloads: ['redis-server', 'memcached', 'nginx', 'postgresql@17-main'].map((name, at) =>
    unit(`${name}.service`, at),
  ),
  clients: ['redis', 'memcached', 'nginx', 'postgresql'].map((service, at) => ({
    ...{ service, connectionSurvived: true, requests: 400 + at, errors: 0, lost: 0, doubled: 0 },
    ...{ gapSeconds: 14.2 + at / 3, problem: null },
  })),
  freeze: [
    { step: 'close-gate', seconds: 0.2, share: 0.08 },
    { step: 'checkpoint', seconds: 1.5, share: 0.6 },
    { step: 'snapshot', seconds: 0.8, share: 0.32 },
  ],
  steps: [
    { phase: 'stage', step: 'load-kernel', from: 0, seconds: 1 },
    { phase: 'stage', step: 'write-landing', from: 1, seconds: 3 },
    { phase: 'freeze', step: 'close-gate', from: 4, seconds: 0.2 },
    { phase: 'freeze', step: 'checkpoint', from: 4.2, seconds: 1.5 },
    { phase: 'freeze', step: 'snapshot', from: 5.7, seconds: 0.8 },
    { phase: 'jump', step: 'jump', from: 6.5, seconds: 1.5 },
    { phase: 'jump', step: 'kernel', from: 8, seconds: 5 },
    { phase: 'land', step: 'network', from: 13, seconds: 2 },
    { phase: 'land', step: 'restore', from: 15, seconds: 2.5 },
    { phase: 'boot', step: 'boot', from: 17.5, seconds: 4 },
    { phase: 'verify', step: 'verify', from: 21.5, seconds: 3 },
  ],
  timeline: [
    { phase: 'stage', seconds: 4 },
    { phase: 'freeze', seconds: 2.5 },
    { phase: 'jump', seconds: 6.5 },
    { phase: 'land', seconds: 4.5 },
    { phase: 'boot', seconds: 4 },
    { phase: 'verify', seconds: 3 },
  ],
  outage: { seconds: 13.5, predicted: 12 },
}

const [redis, ...others] = swapped.workloads
const differing: Workload = {
  ...redis!,
  reason: 'timers of 331 (redis-server) differs: 3 → 2',
  abi: {
    ...redis!.abi!,
    facets: { equal: names.length - 4, explained: 2, differing: 1, unverified: 1 },
    differences: [{ task: '331 (redis-server)', facet: 'timers', line: 'count: 3 → 2' }],
    unverified: [{ facet: 'alternate-stack', reason: 'the task would not tell' }],
  },
  hooks: [
    {
      ...{ hook: 'redis-server.service/50-redis', outcome: 'differs', reason: 'a key is gone' },
      ...{
        output: 'asked for 4 keys\nfound 3',
        findings: [{ level: 'difference', message: 'a key is gone' }],
      },
    },
  ],
}

/** One of each verdict that differs from the others in what it shows. */
export const reports: readonly Report[] = [
  swapped,
  {
    ...swapped,
    id: '20261124224540',
    verdict: 'degraded',
    reason: `redis-server.service: ${differing.reason}.`,
    workloads: [differing, ...others],
  },
  {
    ...swapped,
    id: '20261125224540',
    verdict: 'fell-back',
    reason: 'The new kernel did not come up.',
    kernel: { ...swapped.kernel, running: swapped.kernel.from },
  },
  {
    ...{
      schema: 'kernelswap.report/1',
      id: '20261126224540',
      verdict: 'aborted',
      reason: 'It was asked to stop.',
    },
    ...{ kernel: { ...swapped.kernel, running: swapped.kernel.from }, outage: null, freeze: [] },
    timeline: [{ phase: 'stage', seconds: 3 }],
    workloads: [
      { ...redis!, abi: null, hooks: [] },
      { ...others[0]!, policy: 'ignore', outcome: 'ignored', abi: null, hooks: [] },
    ],
  },
]

/** A host full of units, one of which has a timer less. */
export function manyUnits(count: number): Report {
  const equal = names.filter((name) => !name.includes('timers'))
  const workloads = Array.from({ length: count }, (_, at) => {
    const name = `app${at}.service`
    const each = at === 42 ? { ...differing, unit: name } : unit(name, at)
    return { ...each, abi: { ...each.abi!, equal } }
  })
  return { ...swapped, workloads }
}
