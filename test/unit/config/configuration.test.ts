import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { settingsText } from '../../../src/cli/config-show.ts'
import { loadConfiguration, loadSettings } from '../../../src/config/configuration.ts'

let place = ''
let directories: string[] = []
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-config-'))
  directories = ['lib', 'etc', 'run'].map((name) => join(place, name))
  for (const directory of directories) await mkdir(directory)
})
afterEach(() => rm(place, { recursive: true }))

const policy = (unit: string, value: string) => `[unit."${unit}"]\npolicy = "${value}"\n`

async function write(file: string, text: string): Promise<void> {
  await writeFile(join(place, file), text, { mode: 0o644 })
}

async function load() {
  return (await loadConfiguration(directories)).unit
}

// A file must belong to root, so only root can make one that is accepted.
describe.runIf(process.getuid?.() === 0)('drop-ins', () => {
  test('without any, and with directories that do not exist, nothing is set', async () => {
    expect(await load()).toEqual({})
    expect(await loadConfiguration([join(place, 'gone')])).toEqual({
      keep: 2,
      fallback: 'boot-loader',
      'watchdog-seconds': 240,
      refused: 'refuse',
      end: [],
      unit: {},
    })
  })

  test('settings of the host: a later file’s counts, others keep what was said before', async () => {
    await write('lib/10.toml', 'keep = 5\nfallback = "external"\n')
    await write('etc/20.toml', 'keep = 0\n')
    expect(await loadConfiguration(directories)).toMatchObject({ keep: 0, fallback: 'external' })
  })

  test('settings of several files come together; of two for one unit the later file’s counts', async () => {
    await write('etc/10-a.toml', policy('a.service', 'restart') + policy('b.service', 'ignore'))
    await write('lib/20-b.toml', policy('b.service', 'preserve'))
    expect(await load()).toEqual({ 'a.service': { policy: 'restart' }, 'b.service': { policy: 'preserve' } })
  })

  test('parts of a table come together from several files', async () => {
    await write('lib/10.toml', '[fleet-lock]\nurl = "http://one:1"\n')
    await write('etc/20.toml', '[fleet-lock]\nurl = "http://two:2"\ngroup = "workers"\n')
    expect((await loadConfiguration(directories))['fleet-lock']).toEqual({
      url: 'http://two:2',
      group: 'workers',
    })
  })

  test('a server without a group has the one of that name', async () => {
    await write('etc/10.toml', '[fleet-lock]\nurl = "http://one:1"\n')
    expect((await loadConfiguration(directories))['fleet-lock']).toEqual({
      url: 'http://one:1',
      group: 'default',
    })
  })

  test('every setting knows the file and line that it comes from', async () => {
    await write('lib/10.toml', 'keep = 5\nwatchdog-seconds = 60\n')
    await write(
      'etc/20.toml',
      '# ours\nkeep = 0 # none\non-success = [\n"/bin/true",\n]\n\n[unit."a.service"]\npolicy = "ignore"\n',
    )
    const lines = settingsText(await loadSettings(directories))
      .join('\n')
      .replaceAll(place, '')
    expect(lines.split('\n').map((line) => line.replace(/ +#/, ' #'))).toEqual([
      'keep = 0 # /etc/20.toml:2',
      'fallback = "boot-loader" # default',
      'watchdog-seconds = 60 # /lib/10.toml:2',
      'refused = "refuse" # default',
      'end = [] # default',
      'on-success = ["/bin/true"] # /etc/20.toml:3',
      'unit."a.service".policy = "ignore" # /etc/20.toml:8',
    ])
  })

  test('lines end as on any system', async () => {
    await write('etc/10.toml', 'keep = 1\r\n\r\n[unit."a.service"]\r\npolcy = 1\r\n')
    await expect(load()).rejects.toThrow(/10\.toml:4: unit/)
  })

  test('a unit that is named without a setting keeps what weaker files say', async () => {
    await write('lib/10.toml', policy('a.service', 'restart'))
    await write('etc/20.toml', '[unit."a.service"]\n')
    expect(await load()).toEqual({ 'a.service': { policy: 'restart' } })
  })

  /** Whoever configures a fleet from one file isn't to wait for it: each line once was looked for from the first. */
  test('settings of 10,000 units, each with its line', async () => {
    const tables = Array.from({ length: 10_000 }, (_, index) => policy(`app@${index}.service`, 'ignore'))
    await write('etc/10.toml', tables.join(''))
    const settings = await loadSettings(directories)
    expect(settings.at(-1)?.origin?.line).toBe(20_000)
    expect(Object.keys(await load())).toHaveLength(10_000)
  })

  test('a file hides the one of the same name in weaker directories as a whole', async () => {
    await write('lib/10.toml', policy('a.service', 'restart') + policy('b.service', 'restart'))
    await write('etc/10.toml', policy('a.service', 'ignore'))
    expect(await load()).toEqual({ 'a.service': { policy: 'ignore' } })
    await write('run/10.toml', policy('a.service', 'preserve'))
    expect(await load()).toEqual({ 'a.service': { policy: 'preserve' } })
  })

  test('a link to /dev/null masks the weaker ones, and a stronger file lifts the mask', async () => {
    await write('lib/10.toml', policy('a.service', 'restart'))
    await symlink('/dev/null', join(place, 'etc/10.toml'))
    expect(await load()).toEqual({})
    await write('run/10.toml', policy('a.service', 'ignore'))
    expect(await load()).toEqual({ 'a.service': { policy: 'ignore' } })
  })

  test('only *.toml is read: package managers leave other files behind', async () => {
    await write('etc/10.toml.dpkg-old', 'no toml')
    await write('etc/README', 'no toml')
    expect(await load()).toEqual({})
  })
})

/** A setting that is misread or ignored would show when it is too late: at the swap. */
describe.runIf(process.getuid?.() === 0)('refused by file, with what was expected', () => {
  test.each([
    ['a line that is no TOML', '\n[unit."a.service"]\npolicy = \n', /10\.toml:3: not valid TOML/],
    [
      'an unknown table',
      'keep = 1\n\n[units.a]\n',
      /10\.toml:3: units: unknown key, expected one of keep, .*unit/,
    ],
    [
      'an unknown key of a unit',
      '# for the night\n[unit."a.service"]\npolcy = "restart"\n',
      /10\.toml:3: unit\."a\.service"\.polcy: unknown key, expected one of policy, /,
    ],
    [
      'an unknown policy',
      policy('a.service', 'keep'),
      /10\.toml:2: unit\."a\.service"\.policy: expected one of "preserve"\|"restart"\|"ignore"/,
    ],
    [
      'a wrong type',
      'keep = 1\n[unit."a.service"]\npolicy = 3\n',
      /10\.toml:3: unit\."a\.service"\.policy: expected/,
    ],
    ['a value instead of a table', 'unit = "a.service"\n', /10\.toml:1: unit: expected record/],
    [
      'a value in the middle of a list, by the line where the list begins',
      'keep = 1\n\non-failure = [\n  "/bin/true",\n  3,\n]\n',
      /10\.toml:3: on-failure\.1: expected string/,
    ],
    [
      'a program that is no absolute path',
      'on-success = ["mail"]\n',
      /10\.toml:1: on-success\.0: expected the absolute path/,
    ],
    [
      'a unit without a suffix',
      '\n[unit.foo]\n',
      /10\.toml:2: unit\.foo: expected a name that ends in \.service;/,
    ],
    ['a unit without a name', '[unit.""]\n', /10\.toml:1: unit\."": expected a name that ends/],
    ['a path for a unit', '[unit."../x"]\n', /10\.toml:1: unit\."\.\.\/x": expected a name that ends/],
    ['a way out', '[unit."../x.service"]\n', /10\.toml:1: unit\."\.\.\/x\.service": a name has letters/],
    ['another type of unit', '[unit."a.socket"]\n', /10\.toml:1: unit\."a\.socket": it is a socket/],
    ['a template', '[unit."a@.service"]\n', /10\.toml:1: unit\."a@\.service": it is a template/],
    [
      'a facet that nobody knows: it would tolerate nothing',
      '[unit."a.service".tolerate]\nnice = "x"\nfd-ofsets = "it reads on"\n',
      /10\.toml:3: unit\."a\.service"\.tolerate\.fd-ofsets: no such facet, expected one of .*fd-offsets/,
    ],
    [
      'a key with more dots than any setting has',
      `keep = 1\n${'a.'.repeat(20_000)}a = 1\n`,
      /10\.toml:2: (a\.)+a: more than 16 tables and lists inside each other; correct the file\.$/,
    ],
    [
      'lists inside each other',
      `on-success = ${'['.repeat(500)}${']'.repeat(500)}\n`,
      /10\.toml:1: on-success(\.0)+: more than 16 tables/,
    ],
    ['lists that the parser gives up', `x = ${'['.repeat(100_000)}`, /10\.toml:1: not valid TOML/],
    [
      'a key that fills the screen, by its beginning',
      `${'k'.repeat(100_000)} = 1\n`,
      /^.{1,300}: k{200}…: unknown key, .{1,300}$/,
    ],
    [
      'more than anybody writes',
      `#${'x'.repeat(1 << 20)}`,
      /10\.toml can't be read: it is larger than 1 MiB; /,
    ],
    [
      'a lock server’s address that is none',
      '[fleet-lock]\nurl = "lock:1"\n',
      /10\.toml:2: fleet-lock\.url: expected/,
    ],
  ])('%s', async (_, text, message) => {
    await write('etc/10.toml', text)
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(message),
    })
  })

  test('what no single file can be blamed for is named by its key', async () => {
    await write('etc/10.toml', '[fleet-lock]\ngroup = "workers"\n')
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/^fleet-lock\.url: expected the address/),
    })
  })

  test.each([
    ['a directory', (file: string) => mkdir(file)],
    ['a pipe that nobody writes to', (file: string) => execFileSync('mkfifo', ['-m', '644', file])],
    ['a device that never ends', (file: string) => execFileSync('mknod', ['-m', '644', file, 'c', '1', '5'])],
    ['a link that leads nowhere', (file: string) => symlink('/nowhere', file)],
    ['a link to itself', (file: string) => symlink(file, file)],
    [
      'bytes that are not UTF-8',
      (file: string) => writeFile(file, Buffer.from([0x23, 0xff]), { mode: 0o644 }),
    ],
  ])('%s', async (_, make) => {
    await make(join(place, 'etc/10.toml'))
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/etc\/10\.toml can't be read: .*; correct or remove it\./),
    })
  })

  test.each([
    [
      'a file',
      (path: string) => writeFile(path, '', { mode: 0o644 }),
      /etc can't be read: it is no directory; /,
    ],
    ['a link to itself', (path: string) => symlink(path, path), /etc can't be read: ELOOP.*; correct or/],
  ])('%s in the place of the directory', async (_, make, message) => {
    await rm(join(place, 'etc'), { recursive: true })
    await make(join(place, 'etc'))
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(message),
    })
  })

  test('a lock server’s address with credentials, which are not repeated', async () => {
    for (const who of ['user:secret@', ':secret@', 'secret@']) {
      await write('etc/10.toml', `[fleet-lock]\nurl = "https://${who}lock.example"`)
      const refusal = load()
      await expect(refusal).rejects.toThrow(/10\.toml:2: fleet-lock\.url: expected an address without user/)
      await expect(refusal).rejects.not.toThrow(/secret/)
    }
  })

  test('a file in a directory that others may write: they could put another in its place', async () => {
    await write('etc/10.toml', '')
    await chmod(join(place, 'etc'), 0o777)
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/etc can be written by others than root; chmod go-w it\./),
    })
  })

  test.each([0o664, 0o646, 0o666])('a file that others may write (%o)', async (mode) => {
    await write('etc/10.toml', '')
    await chmod(join(place, 'etc/10.toml'), mode)
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/10\.toml can be written by others than root; chmod go-w it\./),
    })
  })

  test('a file of another user, also behind a link', async () => {
    await write('mine.toml', '')
    await chown(join(place, 'mine.toml'), 1000, 0)
    await symlink(join(place, 'mine.toml'), join(place, 'etc/10.toml'))
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(/mine\.toml belongs to user 1000/),
    })
  })
})
