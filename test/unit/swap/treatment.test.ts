import { describe, expect, test } from 'vitest'
import type { Configuration } from '../../../src/config/configuration.ts'
import { treatments } from '../../../src/swap/treatment.ts'
import { parseProperties } from '../../../src/tools/systemd.ts'
import { fixture } from '../fixture.ts'
import { workload } from '../workload/builders.ts'

/** What systemctl shows of a unit with two aliases, whichever of its names it is asked for. */
const properties = parseProperties(fixture('systemd/alias.properties'))
const database = workload({ unit: properties.Id!, properties })

function treatment(unit: Configuration['unit'], restart: readonly string[] = []) {
  return treatments({ restart }, { unit })(database)
}

/** Whoever writes `mysql` means mariadb.service: a setting that reaches nobody would be noticed after the swap. */
describe('settings and options reach a unit by any of its names', () => {
  test.each(['mariadb.service', 'mysql.service', 'mysqld.service'])('[unit."%s"]', (name) => {
    expect(treatment({ [name]: { policy: 'ignore', tolerate: { nice: 'a cron job' } } })).toEqual({
      policy: 'ignore',
      onRestoreFailure: 'cold',
      onVerifyFailure: 'keep',
      tolerate: { nice: 'a cron job' },
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
