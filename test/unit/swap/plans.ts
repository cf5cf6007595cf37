import type { Plan } from '../../../src/swap/plan.ts'

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
