import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forEachOf, limiter } from '../../src/pool.ts'

const numbers = Array.from({ length: 20 }, (_, index) => index)

/** Notes how many run at the same time. */
function counted() {
  let running = 0
  const seen = { most: 0 }
  const act = async (number: number) => {
    running += 1
    seen.most = Math.max(seen.most, running)
    for (let turns = 0; turns < 1 + (number % 3); turns += 1) await turn()
    running -= 1
    return number * 2
  }
  return { act, seen, running: () => running }
}

test('a few are done at a time, and each result is in its place', async () => {
  const { act, seen } = counted()
  expect(await forEachOf(numbers, 3, act)).toEqual(numbers.map((number) => number * 2))
  expect(seen.most).toBe(3)
  expect(await forEachOf([], 3, act)).toEqual([])
})

/** Thawing what a dump is still about to stop would leave it stopped. */
test('a failure is told once all that was begun has ended, and nothing is begun after it', async () => {
  const { act, running } = counted()
  const begun: number[] = []
  const failing = forEachOf(numbers, 3, async (number) => {
    begun.push(number)
    if (number === 4) throw new Error('four')
    return act(number)
  })
  await expect(failing).rejects.toThrow('four')
  expect(running()).toBe(0)
  expect(begun.length).toBeLessThan(8)
})

test('a limit holds for all who ask, and goes on after one that fails', async () => {
  const { act, seen } = counted()
  const inTurn = limiter(2)
  const asked = numbers.map((number) =>
    inTurn(() => (number === 3 ? Promise.reject(new Error('three')) : act(number))),
  )
  const ended = await Promise.allSettled(asked)
  expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(seen.most).toBe(2)
})
