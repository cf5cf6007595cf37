import { expect, test } from 'vitest'
import { eventText } from '../../../src/cli/event-text.ts'

test('progress says how far, how fast, and how long', () => {
  const mebibyte = 1024 * 1024
  const progress = { kind: 'progress', step: 'evacuate' } as const
  expect(eventText({ ...progress, bytes: 10 * mebibyte, of: 50 * mebibyte, seconds: 4 })).toBe(
    'evacuate: 10.0 of 50.0 MiB, 2.5 MiB/s, 16 s left',
  )
  expect(eventText({ ...progress, bytes: 0, of: mebibyte, seconds: 1 })).toBe(
    'evacuate: 0.0 of 1.0 MiB, 0.0 MiB/s, not begun',
  )
})

test('a step says when it began, or on which kernel', () => {
  const step = { kind: 'step', phase: 'freeze', step: 'seal' } as const
  expect(eventText({ ...step, seconds: 12.34 })).toBe('  12.3 s  freeze: seal')
  expect(eventText({ ...step, kernel: '6.12.1' })).toBe('6.12.1: freeze: seal')
})

test('work that goes from unit to unit says which of how many it is at', () => {
  const unit = { kind: 'unit', step: 'trial checkpoint', unit: 'nginx.service', number: 3, of: 10 } as const
  expect(eventText(unit)).toBe('trial checkpoint: nginx.service (3 of 10)')
})
