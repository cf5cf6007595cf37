import { afterAll, expect, test } from 'vitest'
import { inspect } from '../../../src/swap/phases/inspect.ts'
import { fixture } from '../fixture.ts'
import { standIns, systemctlShowing } from '../programs.ts'

// What systemd said of each of these names on a machine.
const programs = standIns({ systemctl: systemctlShowing(fixture('systemd/alias.properties').trim()) })
afterAll(() => programs.remove())

/** Twice in one plan, a unit would be dumped twice and restored over itself. */
test('a unit that is named by two of its names is one unit, by its own name', async () => {
  const { workloads } = await inspect(['mysql', 'mariadb.service', 'mysqld', 'mysql'])
  expect(workloads.map(({ unit }) => unit)).toEqual(['mariadb.service'])
})

test('nothing named is nothing looked at, not everything', async () => {
  expect((await inspect([])).workloads).toEqual([])
})
