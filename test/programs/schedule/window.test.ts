import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { isOpen } from '../../../src/schedule/window.ts'

const canAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0
/** Sunday, 19 November 2023, 03:00 UTC. */
const opening = Date.UTC(2023, 10, 19, 3) / 1000

describe.runIf(canAnalyze)('a window of two hours from Sun 03:00 UTC', () => {
  const window = { calendars: ['Sun 03:00 UTC'], seconds: 7200 }

  test.each([
    ['a second before it opens', -1, false],
    ['as it opens', 0, true],
    ['in the middle', 3600, true],
    ['a second before it closes', 7199, true],
    ['as it closes', 7200, false],
    ['a day later', 86_400, false],
  ])('%s', async (_, seconds, open) => {
    expect(await isOpen(window, opening + seconds)).toBe(open)
  })

  test('of several windows one is enough', async () => {
    const calendars = ['Sat 12:00 UTC', 'Sun 03:00 UTC']
    expect(await isOpen({ calendars, seconds: 7200 }, opening + 60)).toBe(true)
    expect(await isOpen({ calendars, seconds: 7200 }, opening - 3600 * 15 + 60)).toBe(true)
    expect(await isOpen({ calendars, seconds: 7200 }, opening - 3600)).toBe(false)
  })
})
