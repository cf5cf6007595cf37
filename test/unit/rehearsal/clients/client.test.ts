import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Conversation, converse, WrongAnswer } from '../../../../src/rehearsal/clients/client.ts'

function conversation(ask: () => Promise<void>, more: Partial<Conversation> = {}): Conversation {
  return { ask, close: () => {}, pauseSeconds: () => 0.01, lost: 0, doubled: 0, ...more }
}

test('a client that is always answered reports nothing but its requests', async () => {
  let asked = 0
  const client = converse(
    'a.service',
    conversation(async () => {
      asked += 1
    }),
  )
  await expect.poll(() => asked).toBeGreaterThan(2)
  const report = await client.stop()
  expect(report).toMatchObject({ service: 'a.service', connectionSurvived: true, errors: 0, problem: null })
  expect(report.requests).toBeGreaterThan(1)
})

test('a broken connection ends the conversation for good', async () => {
  let asked = 0
  const client = converse(
    'a.service',
    conversation(async () => {
      asked += 1
      if (asked === 2) throw new Error('read ECONNRESET')
    }),
  )
  await expect.poll(() => asked).toBe(2)
  expect(await client.stop()).toMatchObject({
    ...{ connectionSurvived: false, requests: 1, errors: 1, problem: 'read ECONNRESET' },
  })
  expect(asked).toBe(2)
})

test('a wrong answer is an error, and the connection lives on', async () => {
  const answers = [new WrongAnswer('LOADING')]
  let right = 0
  const client = converse(
    'a.service',
    conversation(async () => {
      const wrong = answers.pop()
      if (wrong) throw wrong
      right += 1
    }),
  )
  await expect.poll(() => right).toBeGreaterThan(0)
  expect(await client.stop()).toMatchObject({ connectionSurvived: true, errors: 1, problem: 'LOADING' })
})

test('the longest silence is measured', async () => {
  const pauses = [0, 0.2, 0]
  const client = converse(
    'a.service',
    conversation(() => sleep((pauses.pop() ?? 0) * 1000)),
  )
  await expect.poll(() => pauses).toEqual([])
  expect((await client.stop()).gapSeconds).toBeGreaterThan(0.19)
})

test('a connection that answers nothing any more is not a survivor', async () => {
  const mute = conversation(() => new Promise(() => {}))
  const report = await converse('a.service', mute, 0.1).stop()
  expect(report).toMatchObject({ connectionSurvived: false, errors: 1, problem: 'no answer for 0.1 s' })
  expect(report.gapSeconds).toBeGreaterThan(0.09)
})

test('writes that the final check misses are reported', async () => {
  let lost = 0
  const client = converse('a.service', {
    ...{ ask: async () => {}, close: () => {}, pauseSeconds: () => 0.01, doubled: 0 },
    conclude: async () => {
      lost = 2
    },
    get lost() {
      return lost
    },
  })
  expect(await client.stop()).toMatchObject({
    ...{ connectionSurvived: true, errors: 0, lost: 2 },
    problem: '2 acknowledged writes are missing, 0 are there twice',
  })
})
