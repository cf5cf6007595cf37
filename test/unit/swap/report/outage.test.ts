import { expect, test } from 'vitest'
import { outageSeconds } from '../../../../src/report/outage.ts'
import { freezeLimit, outageObstacles, prediction } from '../../../../src/swap/report/outage.ts'

const timelineOf = (phases: Record<string, number>) => ({
  timeline: Object.entries(phases).map(([phase, seconds]) => ({ phase, seconds })),
})

test('services stand still from the freeze until the gate opens', () => {
  const phases = { stage: 5, capture: 2, freeze: 3, jump: 10, land: 7, boot: 30, verify: 4, settle: 1 }
  expect(outageSeconds(timelineOf(phases))).toBe(20)
})

test('where they are held for verification, that counts', () => {
  expect(outageSeconds(timelineOf({ stage: 5, freeze: 3, jump: 10, land: 7, verify: 4, settle: 1 }))).toBe(24)
})

test('a swap that never froze has no outage', () => {
  expect(outageSeconds(timelineOf({ stage: 5 }))).toBe(0)
})

const gib = 1024 ** 3
const swaps = (...seconds: number[]) => seconds.map((each) => ({ fixed: 0, growing: each, memoryBytes: gib }))

test('the median, so that one bad day does not count', () => {
  expect(prediction(swaps(20, 300, 18), gib)).toEqual({ seconds: 20, swaps: 3 })
  expect(prediction(swaps(20, 30, 10, 40), gib)).toEqual({ seconds: 25, swaps: 4 })
  expect(prediction(swaps(12.34), gib)).toEqual({ seconds: 12.3, swaps: 1 })
})

test('more memory takes longer in proportion; less is never said to be quicker', () => {
  expect(prediction(swaps(20), 3 * gib)?.seconds).toBe(60)
  expect(prediction(swaps(20), gib / 2)?.seconds).toBe(20)
  expect(prediction([{ fixed: 0, growing: 20, memoryBytes: 0 }], 0)?.seconds).toBe(20)
})

test('the boot between does not depend on it', () => {
  expect(prediction([{ fixed: 15, growing: 5, memoryBytes: gib }], 3 * gib)?.seconds).toBe(30)
})

test('without a swap nothing is known, and a limit is refused with how to get to know', () => {
  expect(prediction([], gib)).toBeNull()
  expect(outageObstacles(null, undefined)).toEqual([])
  expect(outageObstacles(null, 20)).toEqual([
    expect.objectContaining({
      code: 'outage-unknown',
      reason: expect.stringMatching(/nobody knows/),
      remedy: expect.stringMatching(/--max-outage/),
    }),
  ])
})

test('a limit stops what is expected to take longer, and nothing else', () => {
  expect(outageObstacles({ seconds: 20, swaps: 3 }, 20)).toEqual([])
  expect(outageObstacles({ seconds: 20.1, swaps: 3 }, 20)[0]?.reason).toMatch(
    /20\.1 s, which is more than 20 s/,
  )
  expect(outageObstacles({ seconds: 900, swaps: 3 }, undefined)).toEqual([])
})

test('a freeze is given up after several times what it is expected to take, and never soon', () => {
  const workloads = [
    { policy: 'preserve', trialSeconds: 40 },
    { policy: 'preserve', trialSeconds: null },
    { policy: 'restart', trialSeconds: 900 },
  ] as const
  const quick = { outage: null, workloads: [], memoryBytes: 0, evacuate: false }
  expect(freezeLimit(quick)).toBe(120)
  expect(freezeLimit({ ...quick, workloads })).toBe(205)
  expect(freezeLimit({ ...quick, outage: { seconds: 60, swaps: 1 } })).toBe(300)
  expect(freezeLimit({ ...quick, memoryBytes: 20e9 })).toBe(1000)
  expect(freezeLimit({ ...quick, memoryBytes: 20e9, evacuate: true })).toBe(21_120)
})
