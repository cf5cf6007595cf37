import { expect, test } from 'vitest'
import { Deadline, Overdue } from '../../src/deadline.ts'
import { attempt } from '../../src/host/local.ts'
import { Stuck, within } from '../../src/swap/limit.ts'

test('work that never ends is not waited for, and what it was busy with is told', async () => {
  const deadline = new Deadline(0.05)
  const work = deadline.during('a.service', () => new Promise<void>(() => {}))
  await expect(deadline.race(work)).rejects.toThrow(new Overdue('it was not done after 0.05 s at a.service'))
})

test('work that doesn’t let go of the thread sees itself that its time is over', async () => {
  const deadline = new Deadline(0.05)
  const act = () => {
    for (;;) deadline.check()
  }
  await expect(deadline.during('a.service', act)).rejects.toThrow(Overdue)
})

test('what is done in time, or counts no more, is not given up', async () => {
  const deadline = new Deadline(0.05)
  expect(await deadline.race(Promise.resolve(7))).toBe(7)
  deadline.lift()
  expect(await deadline.race(new Promise((resolve) => setTimeout(() => resolve(8), 100)))).toBe(8)
  deadline.check()
})

test('a step past its limit loses the programs that it waits for, and has ended before it is taken back', async () => {
  let ended = false
  const step = async () => {
    // A program that doesn't heed SIGTERM.
    await attempt('sh', ['-c', 'trap "" TERM; exec sleep 600']).finally(() => {
      ended = true
    })
  }
  await expect(within(new Deadline(0.3), step)).rejects.toThrow(Overdue)
  expect(ended).toBe(true)
})

test('a step that goes on without programs is told from one that ended: only our own end ends it', async () => {
  const step = () => new Promise<void>(() => {})
  await expect(within(new Deadline(0.05), step, 0.05)).rejects.toThrow(Stuck)
})
