import type { Plan, WorkloadPlan } from '../../../src/swap/plan.ts'

/** A plan that is ready and carries nothing, with what a test wants otherwise. */
export function planWith(changes: Partial<Plan> = {}): Plan {
  return {
    schema: 'kernelswap.plan/1',
    kernel: { from: 'old', to: 'new' },
    ready: true,
    strict: false,
    keep: 2,
    watchdogSeconds: 0,
    host: [],
    workloads: [],
    ...changes,
  }
}

/** A unit that is carried, with what a test wants otherwise. */
export function workloadWith(changes: Partial<WorkloadPlan> = {}): WorkloadPlan {
  return {
    ...{
      unit: 'a.service',
      policy: 'preserve',
      onRestoreFailure: 'cold',
      onVerifyFailure: 'keep',
      tolerate: {},
    },
    ...{ verdict: 'ready', obstacles: [], mainPid: 4242, controlGroup: '/system.slice/a.service' },
    ...{ processes: 1, memoryBytes: 0, connections: 0, trialSeconds: null },
    ...changes,
  }
}
