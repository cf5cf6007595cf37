import { describe, expect, test } from 'vitest'
import type { Configuration } from '../../../src/config/configuration.ts'
import { orRestarted, treatments } from '../../../src/swap/treatment.ts'
import { parseProperties } from '../../../src/tools/systemd.ts'
import { fixture } from '../fixture.ts'
import { workload } from '../workload/builders.ts'
import { workloadWith } from './plans.ts'

/** What systemctl shows of a unit with two aliases, whichever of its names it is asked for. */
const properties = parseProperties(fixture('systemd/alias.properties'))
const database = workload({ unit: properties.Id!, properties })

function treatment(unit: Configuration['unit'], restart: readonly string[] = []) {
  return treatments({ restart }, { unit, refused: 'refuse' })(database)
}

/** Whoever writes `mysql` means mariadb.service: a setting that reaches nobody would be noticed after the swap. */
describe('settings and options reach a unit by any of its names', () => {
  test.each(['mariadb.service', 'mysql.service', 'mysqld.service'])('[unit."%s"]', (name) => {
    expect(treatment({ [name]: { policy: 'ignore', tolerate: { nice: 'a cron job' } } })).toEqual({
      policy: 'ignore',
      onRestoreFailure: 'cold',
      onVerifyFailure: 'keep',
      tolerate: { nice: 'a cron job' },
      refused: 'refuse',
    })
  })

  test.each(['mariadb', 'mysql', 'mysqld.service'])('--restart %s', (name) => {
    expect(treatment({}, [name]).policy).toBe('restart')
  })

  test('those of other units do not', () => {
    expect(treatment({ 'mysql@1.service': { policy: 'ignore' } }, ['mysql@1']).policy).toBe('preserve')
  })

  test('under two names of one unit they are a mistake: which counts would be a guess', () => {
    const both = { 'mysql.service': { policy: 'ignore' }, 'mariadb.service': {} } as const
    expect(() => treatment(both)).toThrow(
      'unit."mysql.service" is another name of unit."mariadb.service"; put the settings of both under one of them.',
    )
  })
})

/** One unit that can't be carried must not keep a host from its kernel, if its owner says so. */
describe('what is refused', () => {
  const obstacle = { code: 'dbus-connection', reason: 'holds a D-Bus connection', remedy: '' } as const
  const refused = workloadWith({ verdict: 'refused', obstacles: [obstacle] })
  const running = { obstaclesToRestart: () => [] }

  test('stays so unless somebody says otherwise, for it or for all', () => {
    const units = { 'mariadb.service': { refused: 'restart' } } as const
    const of = (restartRefused: boolean, unit: Configuration['unit'], all: Configuration['refused']) =>
      treatments({ restart: [], restartRefused }, { unit, refused: all })(database).refused
    expect(of(false, {}, 'refuse')).toBe('refuse')
    expect(of(false, {}, 'restart')).toBe('restart')
    expect(of(false, units, 'refuse')).toBe('restart')
    expect(of(true, {}, 'refuse')).toBe('restart')
    expect(orRestarted(refused, running, { refused: 'refuse' })).toBe(refused)
  })

  test('is stopped and started then, and the plan keeps the reason', () => {
    expect(orRestarted(refused, running, { refused: 'restart' })).toMatchObject({
      policy: 'restart',
      verdict: 'ready',
      obstacles: [],
      notCarried: [obstacle],
    })
  })

  test.each(['platform', 'runs-kernelswap', 'not-running', 'transient-unit'] as const)(
    'stays so for %s',
    (code) => {
      const other = workloadWith({ verdict: 'refused', obstacles: [{ ...obstacle, code }] })
      expect(orRestarted(other, running, { refused: 'restart' })).toBe(other)
    },
  )
})
