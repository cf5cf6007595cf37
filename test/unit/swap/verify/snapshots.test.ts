import { expect, test } from 'vitest'
import { practise, someTasks } from '../../../../src/swap/verify/snapshots.ts'

/** Eight practices of a host with many units on a slow machine took minutes, before anything was frozen. */
test.each([
  ['a quick snapshot is practised a few times', 100, 8],
  ['a slow one as long as there is time', 1000, 3],
  ['a very slow one once', 60_000, 1],
])('%s', async (_, milliseconds, times) => {
  let clock = 0
  let practised = 0
  const take = async () => {
    clock += milliseconds
    practised += 1
  }
  await practise(take, () => clock)
  expect(practised).toBe(times)
})

test('practice takes no more tasks than teach it something, however many there are', () => {
  const many = Array.from({ length: 100 }, (_, unit) => [unit * 10 + 1, unit * 10 + 2])
  expect(someTasks(many, 5)).toEqual([[1, 2], [11, 12], [21]])
  expect(someTasks([Array.from({ length: 200 }, (_, pid) => pid)], 32)[0]).toHaveLength(32)
  expect(someTasks([[1], [2]], 5)).toEqual([[1], [2]])
})
