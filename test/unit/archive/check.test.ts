import { execFileSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkArchive, entriesOf, treeContents } from '../../../src/archive/check.ts'
import { archiveOf, entry, pax, withChecksum } from './blocks.ts'
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
    ['a name that hides the link', [symlink('./a', '/etc'), { name: './/a//passwd' }], /through a link/],
    ['a name that climbs within', [{ name: 'x/../a' }], /leaves/],
    [
      'an entry below a hard link',
      [symlink('a', '/etc'), link('b', 'a'), { name: 'b/passwd' }],
      /through a link/,
    ],
    ['an entry below a file', [{ name: 'a' }, { name: 'a/b' }], /leads through a file/],
    ['a file twice', [{ name: 'a' }, { name: './a' }], /"\.\/a" comes twice/],
    ['a directory that becomes a link', [directory('a'), symlink('a', '/etc')], /"a" comes twice/],
    ['one that no entry names, too', [{ name: 'a/b' }, symlink('a', '/etc')], /"a" comes twice/],
    ['a link that becomes a directory', [symlink('a', '/etc'), directory('a')], /"a/],
    ['a hard link to what is not in it', [link('a', 'b')], /leads to no file before it/],
    ['a hard link to a directory', [directory('b'), link('a', 'b')], /leads to no file before it/],
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
    for (const length of [
      0,
      1,
      100,
      511,
      512,
      513,
      600,
      1023,
      1024,
      1025,
      1535,
      2048,
      2560,
      whole.length - 512,
    ]) {
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

/** Another program unpacks them: what it may read otherwise than we do is refused, whatever it says. */
describe('refused byte by byte', () => {
  const long = (flag: string, name: string) => entry({ name: '././@LongLink', flag }, `${name}\0`)

  test.each<[string, Buffer[], RegExp]>([
    ...['3', '4', '7', 'D', 'M', 'N', 'S', 'V', 'g', 'A', 'X', 'I', '8', '\0', '\x80'].map(
      (flag): [string, Buffer[], RegExp] => [
        `an entry of type ${JSON.stringify(flag)}`,
        [entry({ flag })],
        /"a" is a /,
      ],
    ),
    ['a sparse file by pax', [pax({ 'GNU.sparse.name': '../../x' }), entry({})], /has "GNU\.sparse\.name"/],
    ['the same of version 1', [pax({ 'GNU.sparse.major': '1' }), entry({})], /has "GNU\.sparse\.major"/],
    ['a pax record that nobody knows', [pax({ 'SCHILY.xattr.x': 'y' }), entry({})], /has "SCHILY/],
    [
      'records for all that follow',
      [pax({ path: '../x' }, 'g'), entry({})],
      /"PaxHeader" is a header for all/,
    ],
    ['a climbing name by pax', [pax({ path: 'b/../../x' }), entry({})], /leaves/],
    [
      'an absolute link by pax',
      [entry({}), pax({ linkpath: '/x' }), entry({ name: 'b', flag: '1' })],
      /leaves/,
    ],
    ['a name with a NUL by pax', [pax({ path: 'b\0/../c' }), entry({})], /no list of records/],
    ['a record twice', [entry({ flag: 'x' }, '9 path=b\n9 path=c\n'), entry({})], /no one path/],
    [
      'a record that is longer than all',
      [entry({ flag: 'x' }, '99 path=b\n'), entry({})],
      /no list of records/,
    ],
    ['a long name that climbs', [long('L', '../x'), entry({})], /leaves/],
    ['a long name twice', [long('L', 'b'), long('L', 'c'), entry({})], /told twice/],
    ['a long name and one by pax', [long('L', 'b'), pax({ path: 'c' }), entry({})], /told twice/],
    ['a long name that ends early', [long('L', 'b\0../x'), entry({})], /long name is none/],
    ['a long name of gigabytes', [entry({ flag: 'L', size: '77777777777\0' })], /8589934591 bytes/],
    ['a long name of nothing', [long('L', 'b')], /its last entry is missing/],
    ['a climbing prefix', [entry({ prefix: '..' })], /leaves/],
    ['no name', [entry({ name: '' })], /leaves/],
    ['a file named like a directory', [entry({ name: 'a/' })], /no name of a file/],
    ['a link with content', [entry({ flag: '2', linkname: 'b' }, 'x')], /symlink "a" has content/],
    [
      'a hard link with content',
      [entry({}), entry({ name: 'b', flag: '1', linkname: 'a' }, 'x')],
      /has content/,
    ],
    ['a directory with content', [entry({ flag: '5' }, 'x')], /directory "a" has content/],
    ['content by pax alone', [pax({ size: '1' }), entry({ flag: '5' })], /directory "a" has content/],
    ['no format', [entry({ magic: '\0' })], /another format/],
    ['a size that is none', [entry({ size: '-0000000001\0' })], /a number that is none/],
    ['a size beyond all', [entry({ size: '\x80\xff\xff\xff\xff\xff\xff\xff' })], /a number that is none/],
    ['more behind a block of zeros', [Buffer.alloc(512), entry({})], /behind its end/],
    ['more behind the end', [Buffer.alloc(1024), entry({})], /behind its end/],
  ])('%s', async (_, pieces, complaint) => {
    await writeFile(archive, archiveOf(entry({ name: 'harmless' }, 'content'), ...pieces))
    await expect(checkArchive(archive)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(complaint),
    })
  })

  test('a program that runs as its owner, where none is expected', async () => {
    for (const mode of ['0004755\0', '0002755\0', '0006755 ']) {
      await writeFile(archive, archiveOf(entry({ mode })))
      await expect(entriesOf(archive, { ...treeContents, setuid: false })).rejects.toThrow(
        '"a" would run as its owner',
      )
      expect(await checkArchive(archive)).toBe(1)
    }
    await writeFile(archive, archiveOf(entry({ flag: '5', mode: '0002775\0' })))
    expect(await entriesOf(archive, { ...treeContents, setuid: false })).toEqual([
      { path: 'a', kind: 'directory', mode: 0o2775, uid: 0, gid: 0 },
    ])
  })
})

/** What tar(1) makes of it is what we read: the same entries, nothing beside them, whatever byte is another. */
test('what is accepted is unpacked as it was read, of 300 archives with a changed header', async () => {
  const longName = `${'d'.repeat(90)}/${'e'.repeat(60)}`
  const pieces = [
    entry({ name: 'd/', flag: '5', mode: '0000755\0' }),
    entry({ name: 'd/f' }, 'content'),
    entry({ name: 'g', flag: '1', linkname: 'd/f' }),
    entry({ name: 'l', flag: '2', linkname: '../beside' }),
    entry({ name: 'p', flag: '6' }),
    pax({ path: longName, mtime: '1.5' }),
    entry({ name: 'PaxHeader' }, 'more'),
    entry({ name: 'h', magic: 'ustar  \0' }, 'last'),
  ]
  const whole = archiveOf(...pieces)
  const headers = pieces.map((_, at) => Buffer.concat(pieces.slice(0, at)).length)
  await mkdir(join(place, 'beside'))
  const random = sequence(7)
  let accepted = 0
  for (let times = 0; times < 300; times += 1) {
    const bytes = Buffer.from(whole)
    for (let changes = random(3); changes >= 0; changes -= 1) {
      const header = bytes.subarray(headers[random(headers.length)])
      // Where something stands, or what decides most: kind, size, names.
      const at = [random(512), 156, 124 + random(12), random(4), 157 + random(12)][random(5)]!
      header[at] = [random(256), header[at]! ^ (1 << random(8)), './\0LKSx1250'.charCodeAt(random(12))][
        random(3)
      ]!
      withChecksum(header.subarray(0, 512))
    }
    await writeFile(archive, bytes)
    const entries = await entriesOf(archive).catch(() => undefined)
    if (!entries) continue
    accepted += 1
    const paths = unpackedBy('tar --extract --no-same-owner --touch --file=a.tar --directory=root')
    const named = entries.flatMap(({ path }) =>
      path.split('/').map((_, at, parts) => `root/${parts.slice(0, at + 1).join('/')}`),
    )
    expect(
      paths.filter((path) => !named.includes(path)),
      `mutation ${times}`,
    ).toEqual([])
  }
  expect(accepted).toBeGreaterThan(15)
}, 120_000)

/**
 * What a tar makes in an empty directory and beside it. Bytes of names, each a character. (Owners and times that nobody has
 * are none of this test.)
 */
function unpackedBy(tar: string): string[] {
  const line = `mkdir root; ${tar} 2> /dev/null || true; find root beside -mindepth 1 -print0; rm -rf root`
  const found = execFileSync('sh', ['-euc', line], { cwd: place, encoding: 'latin1' })
  return found.split('\0').filter(Boolean)
}

/** The same numbers below a limit in every run (a linear congruential generator). */
function sequence(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * limit)
  }
}

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

  test('names of any length as system tar writes them, in both its formats', async () => {
    const [folder, target] = ['d'.repeat(120), 't'.repeat(300)]
    const path = `${folder}/${'f'.repeat(200)}`
    for (const format of ['gnu', 'posix']) {
      shell(place, `rm -rf tree; mkdir -p tree/${folder}; echo x > tree/${path}; ln -s ${target} tree/l`)
      shell(place, `tar --create --format=${format} --file=a.tar --directory=tree .`)
      const paths = (await entriesOf(archive)).map((one) => one.path)
      expect(paths.sort(), format).toEqual(['', folder, path, 'l'])
    }
  })
})
