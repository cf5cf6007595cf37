import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { nextElapse, parseElapse, timespanSeconds } from '../../../src/tools/systemd-analyze.ts'
import { fixture } from '../../unit/fixture.ts'

describe('what systemd-analyze calendar prints', () => {
  test.each(['calendar-utc', 'calendar-berlin'])('%s', (name) => {
    expect(parseElapse(fixture(`systemd/${name}`))).toBe(
      Date.UTC(2023, 10, 19, name === 'calendar-utc' ? 3 : 2) / 1000,
    )
  })

  test('a time that is over', () => {
    expect(parseElapse(fixture('systemd/calendar-never'))).toBeUndefined()
  })
})

const canAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0

describe.runIf(canAnalyze)('with this systemd', () => {
  test('the zone of an expression counts, not the host’s', async () => {
    const november = Date.UTC(2023, 10, 14) / 1000
    expect(await nextElapse('Sun 03:00 Europe/Berlin', november)).toBe(Date.UTC(2023, 10, 19, 2) / 1000)
    const july = Date.UTC(2023, 6, 11) / 1000
    expect(await nextElapse('Sun 03:00 Europe/Berlin', july)).toBe(Date.UTC(2023, 6, 16, 1) / 1000)
  })

  test('a time that is over never comes', async () => {
    expect(await nextElapse('2020-01-01', Date.UTC(2023, 0, 1) / 1000)).toBeUndefined()
  })

  test.each(['foo', '', '--version', 'Sun 25:00'])('"%s" is no calendar expression', async (expression) => {
    await expect(nextElapse(expression, 0)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('is no calendar expression'),
    })
  })

  test.each([
    ['20s', 20],
    ['1h 30m', 5400],
    ['1500ms', 1.5],
  ])('%s is %d s', async (text, seconds) => {
    expect(await timespanSeconds(text)).toBe(seconds)
  })

  test.each(['soon', '', '-5s'])('"%s" is no time span', async (text) => {
    await expect(timespanSeconds(text)).rejects.toMatchObject({ kind: 'usage' })
  })
})
