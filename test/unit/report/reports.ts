import type { Report } from '../../../src/report/report.ts'

/** A report of a swap that carried one unit, with what a test wants otherwise. */
export function reportWith(changes: Partial<Report> = {}): Report {
  return {
    schema: 'kernelswap.report/1',
    id: '20261123224540',
    verdict: 'swapped',
    reason: null,
    kernel: { from: '6.12.47', to: '6.12.48', running: '6.12.48' },
    workloads: [
      {
        unit: 'redis-server.service',
        policy: 'preserve',
        outcome: 'preserved',
        pid: { before: 331, after: 331 },
        reason: null,
        abi: null,
        hooks: [],
      },
    ],
    freeze: [],
    timeline: [
      { phase: 'stage', seconds: 1.25 },
      { phase: 'freeze', seconds: 3.5 },
      { phase: 'jump', seconds: 6 },
      { phase: 'land', seconds: 2.25 },
      { phase: 'boot', seconds: 10 },
      { phase: 'settle', seconds: 0.5 },
    ],
    outage: null,
    ...changes,
  }
}
