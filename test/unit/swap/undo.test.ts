import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Failure } from '../../../src/errors.ts'
import type { SwapEvent } from '../../../src/swap/event.ts'
import { Journal } from '../../../src/swap/journal.ts'
import { causeOfEnd, limitOf } from '../../../src/swap/limit.ts'
import type { Step } from '../../../src/swap/step.ts'
import type { Swap } from '../../../src/swap/store.ts'
import { phases, stepsNamed, undo } from '../../../src/swap/swap.ts'
import { planWith } from './plans.ts'

const root = mkdtempSync(join(tmpdir(), 'undo-'))
afterAll(() => rmSync(root, { recursive: true }))

function newSwap(): Swap {
  const directory = mkdtempSync(join(root, 'swap-'))
  const plan = planWith({ freezeSeconds: 10 })
  return { id: '20261127120000', directory, plan, journal: new Journal(directory, 'boot', 'old') }
}

/** Steps that note that they are taken back; those that are named fail or never end. */
function steps(told: string[], how: Readonly<Record<string, Partial<Step>>>): Step[] {
  return ['freeze', 'seal', 'jump'].map((name) => ({
    name,
    do: async () => {},
    undo: async () => void told.push(name),
    ...how[name],
  }))
}

const fails: Partial<Step> = { undo: () => Promise.reject(new Error('EROFS: read-only file system')) }

test('no task is thawed whose checkpoint a boot would restore, unless somebody says so', async () => {
  const told: string[] = []
  const events: SwapEvent[] = []
  const swap = newSwap()
  const begun = steps(told, { seal: { ...fails, isGuard: true } })
  await expect(undo(swap, begun)).rejects.toMatchObject({
    kind: 'operator',
    message: expect.stringMatching(/^Taking back seal failed: EROFS.*resume.*--force --force.*abandon/),
  } satisfies Partial<Failure>)
  expect(told).toEqual(['jump'])
  expect((await undo(swap, begun, { evenSo: true, tell: (event) => events.push(event) })).join()).toContain(
    'Taking back seal failed',
  )
  expect(told).toEqual(['jump', 'jump', 'freeze'])
  // What could not be taken back is no event.
  expect(events).toEqual([
    { kind: 'undo', step: 'jump' },
    { kind: 'undo', step: 'freeze' },
  ])
})

test('the seal is what guards the thawing', () => {
  expect(stepsNamed(['seal'])[0]!.isGuard).toBe(true)
  const names = phases.flatMap(({ steps }) => steps.map(({ name }) => name))
  expect(names.indexOf('seal')).toBeGreaterThan(names.indexOf('checkpoint'))
})

test('an undo that never ends doesn’t keep the services from being thawed', async () => {
  const told: string[] = []
  const hangs: Partial<Step> = { undo: () => new Promise(() => {}), undoSeconds: 0.05 }
  const failures = await undo(newSwap(), steps(told, { jump: hangs }))
  expect(failures).toEqual(['Taking back jump failed: it was not done after 0.05 s.'])
  expect(told).toEqual(['seal', 'freeze'])
})

test('who takes back a freeze that was ended for its length says so, and names the step', async () => {
  const swap = newSwap()
  await swap.journal.append({ kind: 'step', phase: 'freeze', step: 'close-gate' })
  await swap.journal.append({ kind: 'step', phase: 'freeze', step: 'snapshot' })
  const lines = await swap.journal.read()
  expect(await causeOfEnd(swap, lines)).toBe('kernelswap was ended in the middle of the swap.')
  const long = lines.map((line) => ({ ...line, time: line.time - limitOf(swap.plan) }))
  expect(await causeOfEnd(swap, long)).toMatch(/longer than 10 s: step snapshot was not done/)
})
