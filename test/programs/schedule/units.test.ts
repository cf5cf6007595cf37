import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { type Schedule, serviceName, serviceUnit, timerName, timerUnit } from '../../../src/schedule/units.ts'
import { complaintsAbout } from '../packaging/units.ts'

const plain: Schedule = {
  calendars: ['Sun 03:00'],
  randomDelay: undefined,
  window: '1h',
  maxOutage: undefined,
  strict: false,
}
const full: Schedule = {
  calendars: ['Mon..Fri *-*-* 02:30:00 Europe/Berlin', '*-*-1/2 03:00/15:00 Etc/GMT+1'],
  randomDelay: '30m',
  window: '1h 30m',
  maxOutage: '20s',
  strict: true,
}
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0

describe.runIf(canVerify)('systemd takes them', () => {
  test.each([
    ['the least', plain],
    ['with everything', full],
  ])('%s', (_, schedule) => {
    expect(complaintsAbout({ [timerName]: timerUnit(schedule), [serviceName]: serviceUnit(schedule) })).toBe(
      '',
    )
  })
})

test('the timer makes up for a missed run; the service is told the window, so that it is not made up for too late', () => {
  expect(timerUnit(full)).toMatch(
    /^OnCalendar=Mon\.\.Fri .*\nOnCalendar=.*\nRandomizedDelaySec=30m\nPersistent=true$/m,
  )
  expect(serviceUnit(full)).toContain(
    'ExecStart=/usr/sbin/kernelswap run --scheduled --on-calendar "Mon..Fri *-*-* 02:30:00 Europe/Berlin"' +
      ' --on-calendar "*-*-1/2 03:00/15:00 Etc/GMT+1" --window "1h 30m" --max-outage "20s" --strict\n',
  )
})

test('tries again while somebody else is at work, and for no other reason', () => {
  expect(serviceUnit(plain)).toMatch(/^Restart=on-failure$/m)
  const prevented = /^RestartPreventExitStatus=(.*)$/m.exec(serviceUnit(plain))![1]!.split(' ')
  expect(prevented).not.toContain('75')
  expect(prevented).toEqual(expect.arrayContaining(['1', '2', '3', '78']))
})

test.each(['Sun 03:00\nExecStart=/bin/sh', '03:00" --or-reboot "', '%h', '$HOME', '03:00\\', '03:00;'])(
  '%j gets into no unit',
  (calendar) => {
    for (const write of [timerUnit, serviceUnit])
      expect(() => write({ ...plain, calendars: [calendar] })).toThrow(
        /characters that no time is written with/,
      )
  },
)
