import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfiguration } from '../../../src/config/configuration.ts'

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

  test('a unit that is named without a setting keeps what weaker files say', async () => {
    await write('lib/10.toml', policy('a.service', 'restart'))
    await write('etc/20.toml', '[unit."a.service"]\n')
    expect(await load()).toEqual({ 'a.service': { policy: 'restart' } })
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
    ['an unknown table', '[units.a]\n', /10\.toml: units: unknown key/],
    [
      'an unknown key of a unit',
      '[unit."a.service"]\npolcy = "restart"\n',
      /unit\.a\.service\.polcy: unknown key/,
    ],
    [
      'an unknown policy',
      policy('a.service', 'keep'),
      /unit\.a\.service\.policy: .*"preserve"\|"restart"\|"ignore"/,
    ],
    ['a wrong type', '[unit."a.service"]\npolicy = 3\n', /unit\.a\.service\.policy: /],
    ['a value instead of a table', 'unit = "a.service"\n', /unit: .*expected record/],
  ])('%s', async (_, text, message) => {
    await write('etc/10.toml', text)
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(message),
    })
  })

  test.each([0o664, 0o646, 0o666])('a file that others may write (%o)', async (mode) => {
    await write('etc/10.toml', '')
    await chmod(join(place, 'etc/10.toml'), mode)
    await expect(load()).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringMatching(
        /10\.toml may be written by others than root; chown root and chmod go-w it\./,
      ),
    })
  })

  test('a file of another user, also behind a link', async () => {
    await write('mine.toml', '')
    await chown(join(place, 'mine.toml'), 1000, 0)
    await symlink(join(place, 'mine.toml'), join(place, 'etc/10.toml'))
    await expect(load()).rejects.toMatchObject({ kind: 'configuration' })
  })
})
