import { expect, test } from 'vitest'
import { parseUnitFiles, partNamed } from '../../../../src/rehearsal/like/unit-files.ts'
import { fixture } from '../../fixture.ts'

/** A unit of an administrator's, as `systemctl show` prints the properties that are asked for. */
const own = `Id=app.service
LoadState=loaded
FragmentPath=/etc/systemd/system/app.service
DropInPaths=/etc/systemd/system/app.service.d/a.conf /run/systemd/system/app.service.d/b.conf
EnvironmentFiles=/etc/default/app (ignore_errors=no)
EnvironmentFiles=/etc/default/my app (ignore_errors=yes)
User=app
Group=app
SupplementaryGroups=ssl-cert audio
ExecStartPre={ path=/usr/local/bin/ready ; argv[]=/usr/local/bin/ready ; ignore_errors=no ; start_time=[n/a] }
ExecStart={ path=/usr/bin/python3 ; argv[]=/usr/bin/python3 /opt/a.py --config=/etc/a.toml -d /var/lib/a ../x ; ignore_errors=no ; start_time=[n/a] }
`

test("a package's unit names its file and the words of its command line", () => {
  expect(parseUnitFiles(fixture('systemd/redis-server.properties'))).toEqual([
    {
      name: 'redis-server.service',
      isLoaded: true,
      source: '/usr/lib/systemd/system/redis-server.service',
      unitFiles: ['/usr/lib/systemd/system/redis-server.service'],
      passing: [],
      environmentFiles: [],
      named: ['/usr/bin/redis-server', '/etc/redis/redis.conf'],
      accounts: [],
    },
  ])
})

test('a unit of the administrator is a file of its own, with drop-ins, environment and accounts', () => {
  expect(parseUnitFiles(own)[0]).toMatchObject({
    unitFiles: [
      '/etc/systemd/system/app.service',
      '/etc/systemd/system/app.service.d/a.conf',
      '/run/systemd/system/app.service.d/b.conf',
    ],
    passing: ['/run/systemd/system/app.service.d/b.conf'],
    environmentFiles: ['/etc/default/app', '/etc/default/my app'],
    accounts: ['app', 'app', 'ssl-cert', 'audio'],
  })
})

test('command lines name files as words and as values of options, and data among them is left', () => {
  const named = parseUnitFiles(own)[0]!.named
  expect(partNamed(named)).toEqual({
    copied: ['/usr/local/bin/ready', '/usr/bin/python3', '/opt/a.py', '/etc/a.toml'],
    left: ['/var/lib/a'],
  })
})

test('each unit has a block, and one that is not there is not loaded', () => {
  const units = parseUnitFiles(`${own}\nId=nosuch.service\nLoadState=not-found\nFragmentPath=\n`)
  expect(units.map(({ name, isLoaded }) => [name, isLoaded])).toEqual([
    ['app.service', true],
    ['nosuch.service', false],
  ])
  expect(units[1]?.source).toBeUndefined()
})
