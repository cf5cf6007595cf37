import { expect, test } from 'vitest'
import { harmOf } from '../../../src/workload/harm.ts'

const tree = { unit: 'one.service', mainPid: process.pid }

/** CRIU ends after the restore, and is the parent until then: SIGTERM would end what has just been carried. */
test('a main process that wants a signal at the death of its parent is refused', async () => {
  const asks = { deathSignal: async (tid: number) => (tid === process.pid ? 15 : 0) }
  expect(await harmOf(tree, asks)).toMatchObject({
    code: 'parent-death-signal',
    reason: expect.stringContaining('signal 15'),
    remedy: '--restart one.service',
  })
  expect(await harmOf(tree, { deathSignal: async () => 0 })).toBeUndefined()
})

test('a thread that began after the checkpoint is in no image; one that can’t be read is no answer', async () => {
  const missing = Object.assign(new Error('no image'), { code: 'ENOENT' })
  expect(await harmOf(tree, { deathSignal: () => Promise.reject(missing) })).toBeUndefined()
  await expect(harmOf(tree, { deathSignal: () => Promise.reject(new Error('damaged')) })).rejects.toThrow(
    'damaged',
  )
})
