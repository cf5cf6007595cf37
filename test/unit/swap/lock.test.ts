import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { holderOf, withLock } from '../../../src/swap/lock.ts'

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'))
  file = join(directory, 'lock')
})
afterEach(() => rm(directory, { recursive: true }))

test('of many that want it one at a time gets it, and what a dead one left is no hindrance', async () => {
  // PID 2 is a kernel thread, and started at another time than this says.
  await writeFile(file, '2 12345')
  expect(await holderOf(file)).toBeUndefined()
  let inside = 0
  let most = 0
  const act = async () => {
    inside += 1
    most = Math.max(most, inside)
    await sleep(5)
    inside -= 1
  }
  const ended = await Promise.allSettled(Array.from({ length: 10 }, () => withLock(act, file)))
  expect(most).toBe(1)
  expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true)
  for (const one of ended) if (one.status === 'rejected') expect(one.reason).toMatchObject({ kind: 'busy' })
})

test('who holds it is told, and it is given back whatever happens', async () => {
  const failing = withLock(async () => {
    expect(await holderOf(file)).toBe(process.pid)
    await expect(withLock(async () => {}, file)).rejects.toThrow(`PID ${process.pid}`)
    throw new Error('boom')
  }, file)
  await expect(failing).rejects.toThrow('boom')
  expect(await holderOf(file)).toBeUndefined()
  await withLock(async () => {}, file)
})

describe('nobody else is said to be at work where that isn’t why', () => {
  test('the place of the lock can’t be written', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(withLock(async () => {}, join(directory, 'file/lock'))).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/lock can't be taken: E/),
    })
    await mkdir(file)
    await expect(withLock(async () => {}, file)).rejects.toMatchObject({ kind: 'failed' })
  })

  test('there is no flock(1)', async () => {
    const without = await mkdtemp(join(directory, 'bin-'))
    for (const name of ['setpriv', 'sh', 'cat']) await symlink(`/usr/bin/${name}`, join(without, name))
    vi.stubEnv('PATH', without)
    await expect(withLock(async () => {}, file)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('flock(1)'),
    })
    vi.unstubAllEnvs()
    await withLock(async () => {}, file)
  })
})
