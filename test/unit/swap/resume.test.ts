import { existsSync } from 'node:fs'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { layoutVersion } from '../../../src/layout.ts'
import { Journal } from '../../../src/swap/journal.ts'
import { findPending, refuseIfPending, resume, toldBefore } from '../../../src/swap/resume.ts'
import { createSwap } from '../../../src/swap/store.ts'
import { returnFromLanding } from '../../../src/swap/way-back.ts'
import { planWith } from './plans.ts'

const { place } = vi.hoisted(() => ({ place: `/tmp/kernelswap-resume-${process.pid}` }))
vi.mock('../../../src/paths.ts', async (original) => {
  const { paths } = await original<typeof import('../../../src/paths.ts')>()
  const state = `${place}/state`
  return { paths: { ...paths, state, swaps: `${state}/swaps`, landing: `${place}/landing` } }
})
const step = { kind: 'step', phase: 'stage', step: 'load-kernel' } as const

beforeEach(() => mkdir(join(place, 'landing'), { recursive: true }))
afterEach(() => rm(place, { recursive: true }))

/** A later swap whose plan was torn. */
async function damage(id: string): Promise<void> {
  await mkdir(join(place, 'state/swaps', id), { recursive: true })
  await writeFile(join(place, 'state/swaps', id, 'plan.json'), '{')
}

test('an old swap that is damaged hides no pending one', async () => {
  const { id, journal } = await createSwap(planWith())
  await journal.append(step)
  await damage('20991231000000')
  expect((await findPending())?.swap.id).toBe(id)
})

test('nothing is pending where nobody says so, and a damaged swap keeps nobody from beginning one', async () => {
  await damage('20991231000000')
  expect(await findPending()).toBeUndefined()
  await refuseIfPending()
})

/** Its units may be frozen, or wait to be restored. */
test('a pending swap that is damaged is never passed over', async () => {
  const { id, journal, directory } = await createSwap(planWith())
  await journal.append(step)
  await writeFile(join(directory, 'plan.json'), '')
  const refusal = {
    kind: 'mismatch',
    message: expect.stringContaining(`Swap ${id} is pending: ${directory}`),
  }
  await expect(findPending()).rejects.toMatchObject(refusal)
  await expect(refuseIfPending()).rejects.toMatchObject(refusal)
  await rm(directory, { recursive: true })
  await expect(refuseIfPending()).rejects.toMatchObject({ kind: 'mismatch' })
})

test('nor is one whose journal is', async () => {
  const { journal, directory } = await createSwap(planWith())
  await journal.append(step)
  await writeFile(join(directory, 'journal.jsonl'), '{}\n{}\n')
  await expect(refuseIfPending()).rejects.toMatchObject({
    kind: 'mismatch',
    message: expect.stringContaining('journal.jsonl:1'),
  })
})

/** The next boot would restore over whatever is done meanwhile. */
test('a sealed landing names its swap, whatever else is noted', async () => {
  const { directory } = await createSwap(planWith())
  await symlink(directory, join(place, 'landing/swap'))
  await writeFile(join(place, 'landing/sealed'), '')
  await createSwap(planWith())
  expect((await findPending())?.swap.directory).toBe(directory)
  await writeFile(join(directory, 'plan.json'), '')
  await expect(refuseIfPending()).rejects.toMatchObject({ kind: 'mismatch' })
})

/** Whatever it did with it could be the end of what the services had in memory. */
test('a landing that another version has sealed waits for that version, or for an administrator to give it up', async () => {
  const { id, directory, plan } = await createSwap(planWith())
  await new Journal(directory, 'boot before', plan.kernel.from).append(step)
  await symlink(directory, join(place, 'landing/swap'))
  await writeFile(join(place, 'landing/sealed'), '')
  for (const act of [resume, returnFromLanding]) {
    await writeFile(join(place, 'landing/layout-version'), `${layoutVersion + 1}\n`)
    await expect(act()).rejects.toMatchObject({
      kind: 'operator',
      message: expect.stringContaining(`Swap ${id} was sealed by another version of kernelswap`),
    })
    await rm(join(place, 'landing/layout-version'))
    await expect(act()).rejects.toThrow('layout unknown')
  }
  expect(existsSync(join(place, 'landing/sealed'))).toBe(true)
})

test('a landing that can’t be looked into doesn’t count as none', async () => {
  await mkdir(join(place, 'landing/released'))
  await createSwap(planWith())
  await expect(findPending()).rejects.toThrow('EISDIR')
})

test('a landing whose log is missing, or can’t be read, is not taken for one without failures', async () => {
  const swap = await createSwap(planWith())
  expect(await toldBefore(swap)).toEqual([expect.stringContaining('The landing left no log')])
  const log = join(swap.directory, 'land.log')
  await writeFile(log, '1.5 2.5 landing\n1.6 2.6 failed gate\n')
  expect(await toldBefore(swap)).toEqual(['The landing reports a failure: gate.'])
  await rm(log)
  await mkdir(log)
  await expect(toldBefore(swap)).rejects.toThrow('EISDIR')
})
