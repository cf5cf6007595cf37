import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkArchive } from '../../../src/archive/check.ts'
import { shell } from './tree.ts'

type Entry = Pick<Header, 'name'> & Partial<Header>

let place = ''
let archive = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-check-'))
  archive = join(place, 'a.tar')
})
afterEach(() => rm(place, { recursive: true }))

async function write(entries: readonly Entry[]): Promise<void> {
  const tar = pack()
  const written = pipeline(tar, createWriteStream(archive))
  for (const entry of entries) tar.entry({ size: 0, ...entry }, entry.type ? '' : 'content')
  tar.finalize()
  await written
}

const link = (name: string, linkname: string): Entry => ({ name, type: 'link', linkname })
const symlink = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname })
const directory = (name: string): Entry => ({ name, type: 'directory' })

/** Root unpacks these archives below /: nothing in them may reach a file that isn't theirs. */
describe('refused', () => {
  test.each<[string, Entry[], RegExp]>([
    ['an absolute name', [{ name: '/etc/passwd' }], /"\/etc\/passwd" leaves/],
    ['a name that climbs out', [{ name: '../etc/passwd' }], /leaves/],
    ['a name that climbs out later', [{ name: 'a/b/../../../etc/passwd' }], /leaves/],
    ['the directory above', [directory('..')], /leaves/],
    ['a hard link out', [link('a', '/etc/shadow')], /hard link "a" leaves/],
    ['a hard link that climbs out', [link('a', 'b/../../etc/shadow')], /hard link "a" leaves/],
    ['an entry below a link', [symlink('a', '/etc'), { name: 'a/passwd' }], /leads through a link/],
    ['an entry deep below a link', [symlink('a/b', '..'), { name: 'a/b/c/d' }], /leads through a link/],
    ['a name that hides the link', [symlink('./a/', '/etc'), { name: 'x/../a//passwd' }], /through a link/],
    ['a directory below a link', [symlink('a', '/etc'), directory('a/cron.d')], /leads through a link/],
    ['a hard link through a link', [symlink('a', '/etc'), link('b', 'a/shadow')], /through a link/],
  ])('%s', async (_, entries, complaint) => {
    await write([{ name: 'harmless' }, ...entries])
    await expect(checkArchive(archive)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(complaint),
    })
  })

  test('an archive that is cut short, wherever', async () => {
    await write([{ name: 'a' }, { name: 'b' }])
    const whole = await readFile(archive)
    for (const length of [1, 100, 511, 513, 600, 1023, 1025, 1535, 1537]) {
      await writeFile(archive, whole.subarray(0, length))
      await expect(checkArchive(archive), `${length} bytes`).rejects.toMatchObject({
        message: expect.stringContaining('is damaged'),
      })
    }
  })

  test('a flipped bit in a header', async () => {
    await write([{ name: 'a' }])
    const bytes = await readFile(archive)
    bytes[0]! ^= 1
    await writeFile(archive, bytes)
    await expect(checkArchive(archive)).rejects.toMatchObject({
      message: expect.stringContaining('is damaged'),
    })
  })

  test('something else than an archive, or nothing', async () => {
    await writeFile(archive, 'x'.repeat(2048))
    await expect(checkArchive(archive)).rejects.toMatchObject({
      message: expect.stringContaining('is damaged'),
    })
    await expect(checkArchive(join(place, 'gone.tar'))).rejects.toMatchObject({ kind: 'failed' })
  })
})

/** A check that refuses what services really keep would stop swaps for nothing. */
describe('accepted', () => {
  test('links that lead out, as long as nothing lies behind them', async () => {
    await write([directory('a'), symlink('a/out', '/etc'), symlink('up', '../..'), { name: 'a/output' }])
    expect(await checkArchive(archive)).toBe(4)
  })

  test('hard links within, dots in names, names beyond ASCII', async () => {
    await write([
      { name: 'a' },
      link('b', 'a'),
      { name: '..a' },
      { name: 'x/...' },
      { name: 'ünï' },
      directory('.'),
    ])
    expect(await checkArchive(archive)).toBe(6)
  })

  test('what system tar writes', async () => {
    await mkdir(join(place, 'tree'))
    shell(place, 'mkdir tree/d; echo x > tree/d/f; ln tree/d/f tree/g; ln -s nowhere tree/l; mkfifo tree/p')
    shell(place, 'tar --create --file=a.tar tree')
    expect(await checkArchive(archive)).toBe(6)
  })
})
