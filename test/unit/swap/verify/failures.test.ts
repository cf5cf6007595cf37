import { describe, expect, test } from 'vitest'
import type { HookResult } from '../../../../src/hooks/types.ts'
import type { WorkloadOutcome } from '../../../../src/swap/phases/verify.ts'
import type { Swap } from '../../../../src/swap/store.ts'
import { isDamaged, wantsBack } from '../../../../src/swap/verify/failures.ts'

const unit = 'redis-server.service'
const intact: WorkloadOutcome = { unit, outcome: 'preserved', pid: 331, reason: null }
const hook = (outcome: HookResult['outcome']): HookResult => ({
  ...{ hook: 'all/10-unit', verb: 'verify', outcome, findings: [], seconds: 0 },
})
const differing: WorkloadOutcome = {
  ...intact,
  abi: {
    ...{
      schema: 'kernelswap.abi/1' as const,
      strict: true,
      facets: { equal: 99, explained: 0, differing: 1, unverified: 0 },
    },
    ...{ differences: [{ task: '331', facet: 'nice', line: '0 → 5' }], tolerated: [] },
    ...{ explained: [], unverified: [] },
  },
}

describe('a workload is damaged', () => {
  test.each([
    ['not where nothing was compared and no hook was asked', intact, false],
    ['where the kernel shows something else of it', differing, true],
    [
      'not where every difference is tolerated',
      { ...differing, abi: { ...differing.abi!, differences: [] } },
      false,
    ],
    ['where a hook finds a difference', { ...intact, hooks: [hook('ok'), hook('differs')] }, true],
    ['where a hook that should know is broken', { ...intact, hooks: [hook('broken')] }, true],
    [
      'not where hooks are fine or have nothing to say',
      { ...intact, hooks: [hook('ok'), hook('silent')] },
      false,
    ],
  ] as const)('%s', (_, outcome, expected) => {
    expect(isDamaged(outcome)).toBe(expected)
  })
})

/** Going back is for what came back damaged: a unit that is cold already has nothing to save. */
test('only a damaged unit that is there and asks for it sends everything back', () => {
  const planned = (onVerifyFailure: string) =>
    ({ plan: { workloads: [{ unit, onVerifyFailure }] } }) as unknown as Swap
  expect(wantsBack(planned('back'), differing)).toBe(true)
  expect(wantsBack(planned('keep'), differing)).toBe(false)
  expect(wantsBack(planned('cold'), differing)).toBe(false)
  expect(wantsBack(planned('back'), intact)).toBe(false)
  expect(wantsBack(planned('back'), { ...differing, outcome: 'cold' })).toBe(false)
  expect(wantsBack(planned('back'), { ...differing, unit: 'other.service' })).toBe(false)
})
