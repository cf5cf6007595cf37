import { expect, test } from 'vitest'
import { nextId } from '../../../src/swap/store.ts'

const now = Date.UTC(2026, 10, 26, 1, 59, 59, 900)

test('a swap is named by when it began', () => {
  expect(nextId([], now)).toBe('20261126015959')
  expect(nextId(['20251231235959'], now)).toBe('20261126015959')
})

/** What comes after a jump to a kernel whose clock is behind would otherwise look older, and nobody would resume it. */
test('a swap sorts behind those before it, whatever the clock says', () => {
  expect(nextId(['20261126015959'], now)).toBe('20261126020000')
  expect(nextId(['20261126015900', '20261126065959'], now)).toBe('20261126070000')
  expect(nextId(['20261231235959'], now)).toBe('20270101000000')
})
