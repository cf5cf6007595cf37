import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../../../src/archive/check.ts'
import { bundledEntries, fileObstacles, type Surface } from '../../../../src/swap/bundle/files.ts'
import { archiveOf, entry } from '../../archive/blocks.ts'

let root = ''
let elsewhere = ''
beforeEach(() => {
  root = mkdtempSync('/dev/shm/kernelswap-surface-')
  elsewhere = mkdtempSync(join(tmpdir(), 'kernelswap-files-'))
})
afterEach(() => {
  for (const made of [root, elsewhere]) rmSync(made, { recursive: true })
})

const owner = () => ({ uid: statSync(root).uid, gid: statSync(root).gid })
const file = (path: string): Entry => ({ path, kind: 'file', mode: 0o644, ...owner() })
const directory = (path: string, mode = 0o755): Entry => ({ path, kind: 'directory', mode, ...owner() })

async function reasons(entries: readonly Entry[], surface: Partial<Surface> = {}): Promise<string[]> {
  const found = await fileObstacles(entries, { root, owned: [], atReboot: false, ...surface })
  return found.map(({ reason }) => reason)
}

/** What is unpacked as root below / while this host runs must not take the place of anything but what the units have. */
describe('an archive of a bundle', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'run/app'), { recursive: true, mode: 0o755 })
    writeFileSync(join(root, 'run/app/socket.pid'), '1')
  })

  test('may bring what is not there, and directories that are as they should be', async () => {
    expect(
      await reasons([directory('run'), directory('run/app'), file('run/app/new'), file('run/b/c/d')]),
    ).toEqual([])
  })

  test('is refused by name for what somebody else has there, unless the units themselves do', async () => {
    const entries = [directory('run/app'), file('run/app/socket.pid')]
    expect(await reasons(entries)).toEqual(['"/run/app/socket.pid" is somebody else\'s here'])
    expect(await reasons(entries, { owned: ['/run/ap', '/run/app/socket.pi'] })).toHaveLength(1)
    expect(await reasons(entries, { owned: ['/run/app'] })).toEqual([])
    expect(await reasons([file('run/app')])).toHaveLength(1)
    expect(await reasons([directory('run/app/socket.pid')])).toHaveLength(1)
  })

  test('changes neither owner nor mode of what is not theirs', async () => {
    expect(await reasons([directory('run/app', 0o777)])).toEqual([
      '"/run/app" has another owner or mode here',
    ])
    expect(await reasons([{ ...directory('run/app'), uid: 4711 }])).toHaveLength(1)
    expect(await reasons([directory('run/app', 0o777)], { owned: ['/run/app'] })).toEqual([])
  })

  test('goes through no link of this host, whoever owns it', async () => {
    symlinkSync('/etc', join(root, 'run/app/etc'))
    for (const owned of [[], ['/run/app']])
      expect(await reasons([file('run/app/etc/passwd')], { owned })).toEqual([
        '"/run/app/etc/passwd" lies behind a link of this host',
      ])
  })

  test("is for tmpfs alone, and not for what is the platform's", async () => {
    expect(await reasons([file('etc/cron.d/new')], { root: elsewhere })).toEqual([
      '"/etc/cron.d/new" would not be on a tmpfs here',
    ])
    for (const name of ['run/systemd/system/new.service', 'run/udev/rules.d/x', 'run/user/0/x'])
      for (const atReboot of [false, true])
        expect(await reasons([file(name)], { atReboot }), name).toHaveLength(1)
  })

  test('meets nothing that is there now in the next boot', async () => {
    expect(
      await reasons([directory('run/app', 0o700), file('run/app/socket.pid')], { atReboot: true }),
    ).toEqual([])
    expect(await reasons([file('etc/new')], { root: elsewhere, atReboot: true })).toHaveLength(1)
  })

  test('with a thousand files in the way is told of in a few words', async () => {
    const entries = Array.from({ length: 1000 }, (_, at) => file(`run/app/socket.pid/${at}`))
    writeFileSync(join(root, 'run/many'), '')
    expect(await reasons([...entries, ...Array.from({ length: 8 }, () => file('run/many'))])).toHaveLength(6)
  })
})

test('attributes are of what is in the archive, whatever its name', async () => {
  const files = join(elsewhere, 'host')
  writeFileSync(
    `${files}.tar`,
    archiveOf(entry({ name: 'run/a b\\c' }), entry({ name: 'run/d/', flag: '5' })),
  )
  expect(await bundledEntries(files)).toHaveLength(2)
  const attributes = 'user.a=0x00\n\n'
  writeFileSync(`${files}.xattrs`, `# file: run/a b\\134c\n${attributes}# file: ./run/d\n${attributes}`)
  expect(await bundledEntries(files)).toHaveLength(2)
  for (const name of ['usr/bin/perl', '../x', '/etc/passwd', 'run/d/../../x', 'run/a']) {
    writeFileSync(`${files}.xattrs`, `# file: run/d\n${attributes}# file: ${name}\n${attributes}`)
    await expect(bundledEntries(files), name).rejects.toMatchObject({ kind: 'failed' })
  }
})
