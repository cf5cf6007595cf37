import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ReadHost } from '../../../../src/rehearsal/like/host.ts'
import { readLikeness, type Wanted } from '../../../../src/rehearsal/like/read.ts'
import { version } from '../../../../src/version.ts'
import type { Obstacle, ObstacleCode } from '../../../../src/workload/obstacle.ts'
import { fixture } from '../../fixture.ts'

let place = ''
let asked: string[] = []
let members: string[] = []
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-read-'))
  asked = []
  members = []
  const tar = pack()
  const written = pipeline(tar, createWriteStream(join(place, 'sent.tar')))
  tar.entry({ name: 'etc/default/pausing', mode: 0o600 }, 'WORDS=secret\n')
  tar.finalize()
  await written
})
afterEach(() => rm(place, { recursive: true }))

const nginx = `Id=nginx.service
LoadState=loaded
FragmentPath=/usr/lib/systemd/system/nginx.service
ExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g daemon on; ; ignore_errors=no ; start_time=[n/a] }
`
const pausing = `Id=pausing.service
LoadState=loaded
FragmentPath=/etc/systemd/system/pausing.service
DropInPaths=/etc/systemd/system/pausing.service.d/nice.conf
EnvironmentFiles=/etc/default/pausing (ignore_errors=no)
User=pausing
ExecStart={ path=/usr/local/bin/pausing ; argv[]=/usr/local/bin/pausing $WORDS ; ignore_errors=no ; start_time=[n/a] }
`

/** What a host answers to command lines that begin so; the longest beginning counts. */
const answers: Record<string, string | number> = {
  'cat /etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
  'uname -m': 'x86_64\n',
  'uname -r': '6.12.117+deb13-cloud-amd64\n',
  'ls /boot':
    'config-6.12.117+deb13-cloud-amd64\nvmlinuz-6.12.117+deb13-cloud-amd64\nvmlinuz-7.3.4+deb13-cloud-amd64\n',
  'dpkg-query --show': fixture('dpkg/packages'),
  'dpkg-query --show --showformat=${Conffiles}': fixture('dpkg/conffiles'),
  'dpkg-query --listfiles': fixture('dpkg/listfiles'),
  'dpkg-query --search': fixture('dpkg/owners'),
  'kernelswap --version': `${version}\n`,
  'kernelswap plan': planWith(),
  'systemctl show': `${fixture('systemd/redis-server.properties')}\n${nginx}\n${pausing}`,
  realpath: '/usr/bin/redis-server\0/etc/redis/redis.conf\0/usr/sbin/nginx\0/usr/local/bin/pausing\0',
  'cat /etc/passwd': `${fixture('accounts/passwd')}pausing:x:1500:1500::/:/usr/sbin/nologin\n`,
  'cat /etc/group': `${fixture('accounts/group')}pausing:x:1500:\n`,
}

/** What `stat` finds of the paths it is asked for, each with its mode. */
const files = [
  '/usr/bin/redis-server',
  '/etc/redis/redis.conf',
  '/usr/sbin/nginx',
  '/usr/local/bin/pausing',
  '/etc/default/redis-server',
  '/etc/init.d/nginx',
]
const directories = ['/etc', '/etc/default', '/etc/init.d', '/etc/nginx', '/etc/nginx/conf.d', '/etc/redis']
const there = new Map([
  ...files.map((path) => [path, '81a4'] as const),
  ...directories.map((path) => [path, '41ed'] as const),
])

function hostWith(more: Record<string, string | number> = {}, links: Record<string, string> = {}): ReadHost {
  const all = Object.entries({ ...answers, ...more }).sort(([a], [b]) => b.length - a.length)
  return {
    name: 'web',
    run: async (program, args) => {
      const line = [program, ...args].join(' ')
      asked.push(line)
      if (program === 'stat') {
        const modeOf = (path: string) => (links[path] === undefined ? there.get(path) : 'a1ff')
        const found = args.flatMap((path) => (modeOf(path) ? `${modeOf(path)} ${path}\0` : []))
        return { code: 1, stdout: found.join(''), stderr: '' }
      }
      if (program === 'readlink') {
        const found = args.flatMap((path) => (links[path] === undefined ? [] : `${links[path]}\0`))
        return { code: 0, stdout: found.join(''), stderr: '' }
      }
      const answer = all.find(([beginning]) => line.startsWith(beginning))?.[1]
      if (answer === undefined) throw new Error(`unexpected: ${line}`)
      if (typeof answer === 'number')
        return { code: answer, stdout: '', stderr: 'kernelswap: Why it fails.\n' }
      return { code: 0, stdout: answer, stderr: '' }
    },
    start: async () => {
      const wish = join(place, 'wish')
      const stdin = createWriteStream(wish)
      const write = stdin.end.bind(stdin) as (text: string) => typeof stdin
      stdin.end = ((text: string) => {
        members = text.split('\0').filter((path) => path !== '')
        return write(text)
      }) as typeof stdin.end
      const stdout = createReadStream(join(place, 'sent.tar'))
      return { stdin, stdout, ended: Promise.resolve({ code: 0, stdout: '', stderr: '' }) }
    },
  }
}

const units = ['redis-server.service', 'nginx.service', 'pausing.service']
const read = (host: ReadHost, wanted: Partial<Wanted> = {}) =>
  readLikeness(host, { units, data: [], ...wanted }, place, () => {})

test('a host is read: packages, kernels, units with what belongs to them, accounts; and nothing there is changed', async () => {
  const likeness = await read(hostWith())
  expect(likeness.kernels).toEqual({
    running: '6.12.117+deb13-cloud-amd64',
    newest: '7.3.4+deb13-cloud-amd64',
  })
  expect(likeness.packages.length).toBeGreaterThan(200)
  expect(likeness.units).toEqual([
    { name: 'redis-server.service', package: 'redis-server' },
    { name: 'nginx.service', package: 'nginx-common' },
    { name: 'pausing.service', package: null },
  ])
  expect(members).toEqual(
    expect.arrayContaining([
      ...[
        'etc/redis',
        'etc/nginx',
        'etc/default/redis-server',
        'etc/init.d/nginx',
        'etc/kernelswap/config.d',
      ],
      ...['etc/systemd/system/pausing.service', 'etc/systemd/system/pausing.service.d/nice.conf'],
      ...['etc/default/pausing', 'usr/local/bin/pausing'],
    ]),
  )
  expect(members).not.toContain('usr/sbin/nginx')
  // stat knows nothing of this one.
  expect(members).not.toContain('etc/init.d/redis-server')
  expect(members.filter((path) => ['etc', 'etc/default', 'etc/init.d'].includes(path))).toEqual([])
  expect(likeness.accounts.users.map((line) => line.split(':')[0])).toEqual(
    expect.arrayContaining(['redis', 'pausing']),
  )
  expect(likeness.files).toEqual([{ path: '/etc/default/pausing', secret: true }])
  const changing = asked.filter(
    (line) =>
      !/^(cat|uname|ls|dpkg-query|systemctl show|stat|realpath|readlink|kernelswap (--version|plan --no-trial))\b/.test(
        line,
      ),
  )
  expect(changing).toEqual([])
})

test('links are copied with what they lead to, link by link', async () => {
  const links = {
    '/etc/default/pausing': '/srv/current/env',
    '/etc/systemd/system/pausing.service': '../../../opt/pausing.service',
    '/opt/pausing.service': '/opt/5/pausing.service',
    '/srv/www': '/mnt/www',
    '/etc/systemd/system/nginx.service': '/usr/lib/systemd/system/nginx.service',
  }
  const data = { 'realpath --canonicalize-existing': '/mnt/www\0' }
  await read(hostWith(data, links), { data: ['/srv/www'] })
  expect(members).toEqual(
    expect.arrayContaining([
      ...['etc/default/pausing', 'srv/current/env', 'etc/systemd/system/pausing.service'],
      ...['opt/pausing.service', 'opt/5/pausing.service', 'srv/www', 'mnt/www'],
    ]),
  )
  // A package's file comes with the package.
  expect(members).not.toContain('usr/lib/systemd/system/nginx.service')
})

test('a unit file that no package has brought is copied from wherever it lies', async () => {
  const foreign = '/usr/lib/systemd/system/foreign.service'
  const shown = `${nginx}\nId=foreign.service\nLoadState=loaded\nFragmentPath=${foreign}\n`
  await read(hostWith({ 'systemctl show': shown }))
  expect(members).toContain('usr/lib/systemd/system/foreign.service')
  expect(members).not.toContain('usr/lib/systemd/system/nginx.service')
})

test('without names the plan there tells which units, and takes no trial checkpoints', async () => {
  await read(hostWith({ 'kernelswap plan': planWith() }), { units: [] })
  expect(asked).toContain('kernelswap plan --no-trial --json')
  expect(asked.find((line) => line.startsWith('systemctl show'))).toMatch(/ -- a\.service$/)
})

test.each([
  ['7.3.4+deb13-cloud-amd64', ' --kernel 7.3.4+deb13-cloud-amd64'],
  ['6.18.1-amd64', ''],
])('the kernel %s that was asked for is the one of the plan if it is there', async (kernel, words) => {
  const { kernels } = await read(hostWith(), { units: [], kernel })
  expect(kernels).toMatchObject({ newest: '7.3.4+deb13-cloud-amd64', asked: kernel })
  expect(asked).toContain(`kernelswap plan --no-trial --json${words}`)
})

test('what its plan says stands in the way there is kept, but for what adopting cures', async () => {
  const [disabled, clients] = ['kexec is disabled', 'holds a unix socket connection'].map((reason) =>
    obstacle(reason),
  )
  // By its code, whatever its sentences are.
  const adoptable = obstacle('runs in a user namespace', 'user-namespace')
  const plan = planWith([disabled!], [adoptable, clients!])
  for (const wanted of [{}, { units: [] }])
    expect((await read(hostWith({ 'kernelswap plan': plan }), wanted)).obstacles).toEqual({
      host: [disabled],
      units: [{ unit: 'a.service', ...clients }],
    })
})

test.each<[string, Record<string, string | number>, string]>([
  [
    'without kernelswap',
    { 'kernelswap --version': 127 },
    'kernelswap is not installed on web; `kernelswap --host web --install status` copies this one there.',
  ],
  [
    'without a plan',
    { 'kernelswap plan': 3 },
    'web has no plan to rehearse: Why it fails; or name services with --unit.',
  ],
])('a host %s, whose units are named, is read and what that leaves open is told', async (_, more, why) => {
  const { notes, obstacles } = await read(hostWith(more))
  expect(notes[0]).toBe(`kexec settings, lockdown, boot loader and space of web were not looked at: ${why}`)
  expect(obstacles).toEqual({ host: [], units: [] })
})

function obstacle(reason: string, code: ObstacleCode = 'unix-connection'): Obstacle {
  return { code, reason, remedy: 'mend it' }
}

/** What `kernelswap plan --json` says there: one unit is carried, another one restarted. */
function planWith(host: Obstacle[] = [], obstacles: Obstacle[] = []): string {
  const workload = (unit: string, policy: string) => ({
    ...{ unit, policy, onRestoreFailure: 'cold', onVerifyFailure: 'keep', tolerate: {} },
    ...{ verdict: 'ready', obstacles, mainPid: 1, controlGroup: '/', processes: 1 },
    ...{ memoryBytes: 1, connections: 0, trialSeconds: null },
  })
  return JSON.stringify({
    ...{ schema: 'kernelswap.plan/1', kernel: { from: '1', to: '2' }, ready: true, strict: false, keep: 2 },
    ...{ watchdogSeconds: 0, host },
    workloads: [workload('a.service', 'preserve'), workload('b.service', 'restart')],
  })
}

describe('a host is refused', () => {
  test.each<[string, Record<string, string | number>, Partial<Wanted>, string]>([
    [
      'that runs another system',
      { 'cat /etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n' },
      {},
      'web runs Debian GNU/Linux 12 (bookworm) on x86_64, and a rehearsal',
    ],
    [
      'without kernelswap where no unit is named',
      { 'kernelswap --version': 127 },
      { units: [] },
      'copies this one there. Only its plan can tell which services a swap would carry, unless you name them with --unit.',
    ],
    [
      'with another kernelswap where no unit is named',
      { 'kernelswap --version': '0.0.1\n' },
      { units: [] },
      `and this is ${version}; \`kernelswap --host web --install status\` copies this one there. Only its plan`,
    ],
    [
      'that has no plan',
      { 'kernelswap plan': 3 },
      { units: [] },
      'web has no plan to rehearse: Why it fails; or name services with --unit.',
    ],
    [
      'without the unit',
      { 'systemctl show': 'Id=x.service\nLoadState=not-found\n' },
      {},
      'web has no unit x.service',
    ],
    [
      'with the running kernel alone',
      { 'ls /boot': 'vmlinuz-6.12.117+deb13-cloud-amd64\n' },
      {},
      'web has no kernel but the running one to swap to; install one there, or say',
    ],
    ['that cannot be read', { 'ls /boot': 2 }, {}, 'web could not be read: ls says: Why it fails.'],
    ['with data that means nothing', {}, { data: ['/srv/../etc'] }, 'is no absolute path'],
    ['with all of its data', {}, { data: [''] }, 'is no absolute path'],
    ['with what no copy gets', {}, { data: ['/etc/ssh'] }, 'is what no copy gets'],
    [
      'with that by another name',
      { 'realpath --canonicalize-existing': '/etc/ssh\0' },
      { data: ['/srv/keys'] },
      '--with-data /srv/keys is what no copy gets',
    ],
    [
      'without the data',
      { 'realpath --canonicalize-existing': 1 },
      { data: ['/srv/www'] },
      '--with-data /srv/www is not there on web, or leads nowhere; see there with ls -l.',
    ],
  ])('%s', async (_, more, wanted, message) => {
    await expect(read(hostWith(more), wanted)).rejects.toThrow(message)
  })
})
