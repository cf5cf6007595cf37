import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { assignFleetLock, releaseFleetLock, takeFleetLock } from '../../../../src/swap/announce/fleet-lock.ts'
import type { Verdict } from '../../../../src/swap/journal.ts'
import { reportWith } from '../../report/reports.ts'
import { LockServer } from '../lock-server.ts'
import { planWith } from '../plans.ts'

const { state } = vi.hoisted(() => ({ state: `/tmp/kernelswap-fleet-${process.pid}` }))
vi.mock('../../../../src/paths.ts', async (original) => {
  const { paths } = await original<typeof import('../../../../src/paths.ts')>()
  return { paths: { ...paths, state, swaps: `${state}/swaps` } }
})

const file = join(state, 'fleet-lock')
const swap = '20261123224540'
let server: LockServer
let url = ''
beforeEach(async () => {
  await mkdir(join(state, 'swaps', swap), { recursive: true })
  server = new LockServer()
  url = await server.listen()
})
afterEach(async () => {
  await server.close()
  await rm(state, { recursive: true })
})

const settings = (id = 'a') => ({ url, group: 'workers', id })

/** A swap as it lies on disk, with a verdict or without. */
async function swapOnDisk(verdict?: Verdict): Promise<void> {
  const directory = join(state, 'swaps', swap)
  await writeFile(join(directory, 'plan.json'), JSON.stringify(planWith()))
  if (verdict) await writeFile(join(directory, 'report.json'), JSON.stringify(reportWith({ verdict })))
}

describe('the protocol', () => {
  test('asks as FleetLock wants it: path, header, body', async () => {
    await takeFleetLock(settings())
    await releaseFleetLock()
    expect(server.asked.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: '/v1/pre-reboot', body: { client_params: { id: 'a', group: 'workers' } } },
      { method: 'POST', path: '/v1/steady-state', body: { client_params: { id: 'a', group: 'workers' } } },
    ])
    for (const { headers } of server.asked) {
      expect(headers['fleet-lock-protocol']).toBe('true')
      expect(headers['content-type']).toBe('application/json')
    }
  })

  test('a server below a path is asked there', async () => {
    await takeFleetLock({ ...settings(), url: `${url}/fleet/` })
    expect(server.asked[0]?.path).toBe('/fleet/v1/pre-reboot')
  })

  test('without a name of its own a host has the same one each time, and it is not its machine id', async () => {
    const { id: _, ...nameless } = settings()
    await takeFleetLock(nameless)
    await releaseFleetLock()
    await takeFleetLock(nameless)
    const ids = server.asked.map(({ body }) => (body as { client_params: { id: string } }).client_params.id)
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toMatch(/^[\da-f]{32}$/)
  })

  test('without a server nobody is asked', async () => {
    await takeFleetLock(undefined)
    await releaseFleetLock()
    expect(server.asked).toEqual([])
    expect(existsSync(file)).toBe(false)
  })
})

describe('two hosts', () => {
  test('never swap at once: the second is told who has the lock, and comes in when the first is done', async () => {
    server.holders.set('workers', 'b')
    await expect(takeFleetLock(settings())).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringMatching(
        /workers was not taken, so nothing was begun: .*409 \(failed_lock: b has it\)/,
      ),
    })
    expect(server.holders.get('workers')).toBe('b')
    server.holders.delete('workers')
    await takeFleetLock(settings())
    expect(server.holders.get('workers')).toBe('a')
  })

  test('of different groups don’t wait for each other', async () => {
    server.holders.set('others', 'b')
    await takeFleetLock(settings())
    expect(server.holders.get('workers')).toBe('a')
  })
})

describe('a server that can’t help', () => {
  test('is no permission: nothing is begun', async () => {
    server.broken = 500
    await expect(takeFleetLock(settings())).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringMatching(/500 \(internal_error: no etcd\)/),
    })
  })

  test('that is down is named with why', async () => {
    await server.close()
    await expect(takeFleetLock(settings())).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringMatching(/127\.0\.0\.1:\d+\/v1\/pre-reboot gives no answer: .*ECONNREFUSED/),
    })
    // It can't have given the lock: nothing has to be released at the next boot.
    expect(existsSync(file)).toBe(false)
  })

  test('when the lock is to be released: it is tried again later', async () => {
    await takeFleetLock(settings())
    server.broken = 503
    await expect(releaseFleetLock()).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringMatching(/could not be released/),
    })
    server.broken = undefined
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
    expect(existsSync(file)).toBe(false)
  })
})

describe('on the other side of the jump', () => {
  test.each(['swapped', 'aborted'] as const)('%s releases the lock', async (verdict) => {
    await takeFleetLock(settings())
    await assignFleetLock(swap, false)
    await swapOnDisk(verdict)
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
    expect(existsSync(file)).toBe(false)
  })

  test.each(['fell-back', 'degraded', 'failed'] as const)(
    '%s keeps it: no other host goes the same way',
    async (verdict) => {
      await takeFleetLock(settings())
      await assignFleetLock(swap, false)
      await swapOnDisk(verdict)
      await releaseFleetLock()
      expect(server.holders.get('workers')).toBe('a')
      expect(existsSync(file)).toBe(true)
    },
  )

  test('a swap without a verdict keeps it', async () => {
    await takeFleetLock(settings())
    await assignFleetLock(swap, false)
    await swapOnDisk()
    await releaseFleetLock()
    expect(server.holders.get('workers')).toBe('a')
  })

  test('the next swap of the same host takes the lock that it has, and its good verdict releases it', async () => {
    await takeFleetLock(settings())
    await assignFleetLock('20251123224540', false)
    await takeFleetLock(settings())
    await assignFleetLock(swap, false)
    await swapOnDisk('swapped')
    await releaseFleetLock()
    expect(server.asked.map(({ path }) => path)).toEqual([
      '/v1/pre-reboot',
      '/v1/pre-reboot',
      '/v1/steady-state',
    ])
  })

  test('a way back that goes well leaves it to the swap that sent us back', async () => {
    await takeFleetLock(settings())
    await assignFleetLock(swap, false)
    await swapOnDisk('degraded')
    await takeFleetLock(settings())
    await assignFleetLock('20271123224540', true)
    await releaseFleetLock()
    expect(server.holders.get('workers')).toBe('a')
  })
})

describe('a crash in between', () => {
  test('before there was a swap: whoever comes next releases the lock', async () => {
    await takeFleetLock(settings())
    // Nothing but what is on disk and the server is left.
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
  })

  test('the server gave the lock but its answer was lost: it is not held for ever', async () => {
    const dropped = vi.spyOn(globalThis, 'fetch').mockImplementationOnce(async (...request) => {
      await fetch(...request)
      const lost = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
      throw new TypeError('fetch failed', { cause: lost })
    })
    await expect(takeFleetLock(settings())).rejects.toMatchObject({ kind: 'busy' })
    dropped.mockRestore()
    expect(server.holders.size).toBe(0)
    expect(existsSync(file)).toBe(false)
  })
})

describe('when the configuration has changed meanwhile', () => {
  let other: LockServer
  let elsewhere = ''
  beforeEach(async () => {
    other = new LockServer()
    elsewhere = await other.listen()
  })
  afterEach(() => other.close())

  test('each server is given back the place that it gave', async () => {
    await takeFleetLock(settings())
    await assignFleetLock('20251123224540', false)
    await takeFleetLock({ ...settings(), url: elsewhere, group: 'others', id: 'b' })
    expect(server.holders.get('workers')).toBe('a')
    expect(other.holders.get('others')).toBe('b')
    await assignFleetLock(swap, false)
    await swapOnDisk('swapped')
    await releaseFleetLock()
    expect([server.holders.size, other.holders.size]).toEqual([0, 0])
    expect(existsSync(file)).toBe(false)
  })

  test('one that can’t be told keeps no other from being told, and is told later', async () => {
    await takeFleetLock(settings())
    await takeFleetLock({ ...settings(), url: elsewhere })
    server.broken = 503
    await expect(releaseFleetLock()).rejects.toMatchObject({ kind: 'busy' })
    expect([server.holders.size, other.holders.size]).toEqual([1, 0])
    server.broken = undefined
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
    expect(existsSync(file)).toBe(false)
  })

  test('one that refuses leaves the place that is held elsewhere alone', async () => {
    await takeFleetLock(settings())
    other.holders.set('workers', 'c')
    await expect(takeFleetLock({ ...settings(), url: elsewhere })).rejects.toMatchObject({ kind: 'busy' })
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
    expect(other.holders.get('workers')).toBe('c')
  })

  test('a place that was noted alone, as earlier versions did, is given back', async () => {
    await takeFleetLock(settings())
    const [place] = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify(place))
    await releaseFleetLock()
    expect(server.holders.size).toBe(0)
  })
})

/** Whoever goes the same way would learn nothing of how it went here. */
test.each([
  ['is gone', () => rm(join(state, 'swaps', swap), { recursive: true })],
  ['is damaged', () => writeFile(join(state, 'swaps', swap, 'plan.json'), '{')],
])('a place whose swap %s is kept, and nothing fails for it', async (_, spoil) => {
  await takeFleetLock(settings())
  await assignFleetLock(swap, false)
  await spoil()
  await releaseFleetLock()
  expect(server.holders.get('workers')).toBe('a')
})

test('a note that is damaged is named', async () => {
  await writeFile(file, '{"url":')
  await expect(releaseFleetLock()).rejects.toMatchObject({
    kind: 'mismatch',
    message: expect.stringContaining(`${file} is damaged`),
  })
})
