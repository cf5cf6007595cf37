import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { paths } from '../../../src/paths.ts'
import { notingFailure, resumeFailure } from '../../../src/swap/resume-failure.ts'

let unit = 'failed'
vi.mock('../../../src/tools/systemd.ts', () => ({ showUnit: async () => ({ ActiveState: unit }) }))
const place = vi.hoisted(() => ({ run: '' }))
vi.mock('../../../src/paths.ts', async (original) => {
  const { paths } = await original<typeof import('../../../src/paths.ts')>()
  const { mkdtempSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  place.run = mkdtempSync(`${tmpdir()}/kernelswap-failure-`)
  return { paths: { ...paths, run: place.run } }
})
beforeEach(() => {
  unit = 'failed'
})
afterEach(() => rmSync(paths.run, { recursive: true, force: true }))

const waits = new Failure('operator', 'a.service could not be restored.')
const fail = () => expect(notingFailure(() => Promise.reject(waits))).rejects.toBe(waits)

/** Whoever follows from elsewhere has nothing else to know it by. */
test('why resume gave up is known afterwards, with its kind', async () => {
  await fail()
  expect(await resumeFailure()).toEqual({ kind: 'operator', message: waits.message })
})

test('while it tries again, or once it was done, there is none', async () => {
  await fail()
  unit = 'activating'
  expect(await resumeFailure()).toBeUndefined()
  unit = 'failed'
  expect(await notingFailure(async () => 'done')).toBe('done')
  expect((await resumeFailure())?.message).toMatch(/systemctl status kernelswap-settle/)
})

test('where it was killed, the unit is named', async () => {
  expect(await resumeFailure()).toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/systemctl status kernelswap-settle/),
  })
})
