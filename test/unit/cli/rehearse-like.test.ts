import { describe, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { isPreserved, predictionText, secretsText } from '../../../src/cli/rehearse-like.ts'

test('a prediction for people has a line for each unit, what is not alike, and each secret with where it is now', () => {
  const text = predictionText({
    schema: 'kernelswap.prediction/1',
    host: 'web',
    kernel: { from: '6.12.1', to: '6.12.2' },
    units: [
      { unit: 'a.service', outcome: 'preserved', reason: null },
      { unit: 'longer.service', outcome: 'needs-adopt', reason: 'PrivateUsers=no' },
      { unit: 'c.service', outcome: 'cannot', reason: 'it holds a device' },
    ],
    obstacles: [],
    notes: ['a package is gone'],
    secrets: { folder: '/cache/likes/1', files: ['/etc/key'] },
    report: null,
  })
  expect(text).toEqual([
    'web, by a swap of a machine like it: 6.12.1 → 6.12.2',
    '',
    'UNIT            OUTCOME      REASON',
    'a.service       preserved',
    'longer.service  needs adopt  PrivateUsers=no',
    "c.service       can't        it holds a device",
    '',
    'note: a package is gone',
    '',
    'secrets of web, now in /cache/likes/1:',
    '  /etc/key',
  ])
})

test('of a host without secrets nothing is said', () => {
  expect(secretsText('web', { folder: '/cache/likes/1', files: [] })).toEqual([])
})

test('not every unit is preserved where one is not, or where the host itself refuses', () => {
  const units = [{ unit: 'a.service', outcome: 'preserved' as const, reason: null }]
  expect(isPreserved({ units, obstacles: [] })).toBe(true)
  expect(
    isPreserved({ units, obstacles: [{ code: 'no-kexec', reason: 'no kexec', remedy: 'reboot' }] }),
  ).toBe(false)
  expect(isPreserved({ units: [{ ...units[0]!, outcome: 'needs-adopt' }], obstacles: [] })).toBe(false)
})

describe('options that do not go together are refused before anything is done', () => {
  test.each([
    [['--with-data', '/srv'], '--with-data needs --like'],
    [['--like', 'web', '--vagrant'], '--like does not go with --vagrant'],
    [['--keep', '--vagrant'], '--keep does not go with --vagrant'],
  ])('%j', async (words, message) => {
    await expect(
      (await createProgram()).parseAsync(['node', 'kernelswap', 'rehearse', ...words]),
    ).rejects.toThrow(message)
  })
})
