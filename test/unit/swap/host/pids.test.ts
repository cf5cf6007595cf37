import { expect, test } from 'vitest'
import { pidMax } from '../../../../src/swap/host/kernels.ts'
import { narrowness, reserve } from '../../../../src/swap/host/pids.ts'

test('what is reserved covers all that the tasks have, and all that may come until the freeze', () => {
  expect(reserve([300, 9000], 500)).toBe(9000)
  expect(reserve([300], 9000)).toBeGreaterThan(9000 + 4000)
  expect(reserve([], 9000)).toBeGreaterThan(9000 + 4000)
})

/** A boot that has none left begins again at the low ones, and takes those of services: their restore fails. */
test.each([
  ['an ordinary host', [700, 4000], 5000, pidMax, undefined],
  ['a small space that is hardly used', [700, 4000], 5000, 32_768, undefined],
  ['a small space that is used to its end', [700, 4000], 30_000, 32_768, /^sysctl kernel\.pid_max=4194304/],
  ['a small space that has wrapped: PIDs are both low and high', [700, 32_700], 900, 32_768, /^sysctl/],
  ['the largest space, used to its end', [700], pidMax - 100, pidMax, /^reboot once/],
  ['the largest space, wrapped', [700, pidMax - 100], 900, pidMax, /^reboot once/],
])('%s', (_, ids, last, most, remedy) => {
  const [obstacle] = narrowness(reserve(ids, last), most)
  if (remedy === undefined) {
    expect(obstacle).toBeUndefined()
  } else {
    expect(obstacle?.remedy).toMatch(remedy)
    expect(obstacle?.reason).toContain(`kernel.pid_max is ${most}`)
  }
})
