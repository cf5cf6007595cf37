import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type BundleIndex,
  type BundleWriter,
  beginBundle,
  contentsOf,
  readBundleIndex,
  verifyBundle,
} from '../../../src/archive/bundle.ts'
import { archiveOf, entry, pax } from './blocks.ts'
import { writeBundle } from './bundles.ts'

let place = ''
let archive = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-bundle-'))
  archive = join(place, 'a.tar')
})
afterEach(() => rm(place, { recursive: true }))

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')

const file = (name: string, content: string | Buffer = 'content') => ({
  name,
  bytes: content.length,
  sha256: sha256(content),
})

function indexOf(files: BundleIndex['files']): BundleIndex {
  const kernel = { from: '6.12.0', to: '6.12.1' }
  return {
    schema: 'kernelswap.bundle/2',
    id: '20260101000000',
    host: 'web',
    kernel,
    units: ['a.service'],
    sockets: [],
    files,
  }
}

type Entry = Header & { readonly content?: string }

/** Writes an archive by hand: an index, or what stands for one, and entries. */
async function write(index: unknown, entries: readonly (Partial<Entry> & { name: string })[]): Promise<void> {
  const tar = pack()
  const written = pipeline(tar, createWriteStream(archive))
  if (index !== undefined)
    tar.entry({ name: 'bundle.json' }, typeof index === 'string' ? index : JSON.stringify(index))
  for (const { content, ...header } of entries) tar.entry(header, content ?? (header.type ? '' : 'content'))
  tar.finalize()
  await written
}

describe('a bundle', () => {
  const files = {
    'plan.json': '{}',
    'workloads/a.service/images/pages-1.img': 'x'.repeat(3_000_000),
    empty: '',
  }

  async function make(): Promise<BundleIndex> {
    const root = join(place, 'root')
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(root, name, '..'), { recursive: true })
      await writeFile(join(root, name), content)
    }
    const index = indexOf(Object.entries(files).map(([name, content]) => file(name, content)))
    await writeBundle(index, (name) => join(root, name), createWriteStream(archive))
    return index
  }

  test('holds what its index says', async () => {
    const index = await make()
    expect(await verifyBundle(archive)).toEqual(index)
    expect(await readBundleIndex(archive)).toEqual(index)
  })

  test('of no file at all is a bundle', async () => {
    const index = indexOf([])
    await writeBundle(index, (name) => name, createWriteStream(archive))
    expect(await verifyBundle(archive)).toEqual(index)
    expect(await readBundleIndex(archive)).toEqual(index)
  })

  test('is refused with its tail cut off, wherever that is within the files', async () => {
    await make()
    const whole = await readFile(archive)
    for (const length of [
      0,
      1,
      511,
      600,
      1024,
      1500,
      2048,
      3000,
      1_000_000,
      3_003_000,
      whole.length - 3 * 512,
      whole.length - 1,
    ]) {
      await writeFile(archive, whole.subarray(0, length))
      await expect(verifyBundle(archive), `${length} bytes`).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringContaining('The bundle is refused'),
      })
    }
  })

  test('is refused where a single bit of a file is another', async () => {
    await make()
    const bytes = await readFile(archive)
    bytes[2_000_000]! ^= 1
    await writeFile(archive, bytes)
    await expect(verifyBundle(archive)).rejects.toThrow(
      'checksum of "workloads/a.service/images/pages-1.img" is wrong',
    )
  })

  test('whose files change while it is written fails', async () => {
    for (const content of ['longer than said', 'short', 'CONTENT']) {
      await writeFile(join(place, 'a'), content)
      await expect(
        writeBundle(indexOf([file('a')]), (name) => join(place, name), createWriteStream(archive)),
        content,
      ).rejects.toThrow(content === 'short' ? 'a has become shorter' : 'the checksum of "a" is wrong')
    }
    await expect(
      writeBundle(indexOf([file('gone')]), (name) => join(place, name), createWriteStream(archive)),
    ).rejects.toThrow('ENOENT')
  })
})

describe('contents', () => {
  const parts: Record<string, string> = { a: 'first', empty: '', b: 'second', 'c/d': 'third' }
  const whole = Object.values(parts).join('')
  const index = indexOf(Object.entries(parts).map(([name, content]) => file(name, content)))
  beforeEach(async () => {
    await mkdir(join(place, 'c'))
    for (const [name, content] of Object.entries(parts)) await writeFile(join(place, name), content)
  })

  async function from(byte: number): Promise<string> {
    const pieces = []
    for await (const piece of contentsOf(index, (name) => join(place, name), byte)) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }

  test('go on from any byte', async () => {
    for (let byte = 0; byte <= whole.length; byte += 1) expect(await from(byte)).toBe(whole.slice(byte))
  })

  test('make the same bundle in whatever pieces they come', async () => {
    for (const size of [1, 4, 5, 7, whole.length]) {
      const writer = await beginBundle(index, createWriteStream(archive))
      for (let at = 0; at < whole.length; at += size)
        await writer.write(Buffer.from(whole.slice(at, at + size)))
      expect(writer.done()).toBe(whole.length)
      await writer.finish()
      expect(await verifyBundle(archive)).toEqual(index)
    }
  })

  test('that are too many or too few are refused', async () => {
    const writer = await beginBundle(index, createWriteStream(archive))
    await writer.write(Buffer.from(whole.slice(0, 8)))
    await expect(writer.finish()).rejects.toThrow('its end is missing')
    await writer.write(Buffer.from(whole.slice(8)))
    await expect(writer.write(Buffer.from('x'))).rejects.toThrow('more comes than its index names')
  })

  test('that nothing takes any more are told of why', async () => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space')) })
    const writer = await beginBundle(indexOf([file('a', 'x'.repeat(1_000_000))]), full).catch(
      (error: unknown) => error,
    )
    if (writer instanceof Error) expect(writer.message).toBe('no space')
    else
      await expect((writer as BundleWriter).write(Buffer.alloc(1_000_000, 'x'))).rejects.toThrow('no space')
  })
})

/** Whoever made it: nothing in a bundle may reach a file that isn't its own. */
describe('refused', () => {
  const long = 'n'.repeat(10_000)

  test.each([
    ['a name that climbs out', '../etc/passwd'],
    ['one that climbs out later', 'a/../../etc/passwd'],
    ['an absolute name', '/etc/passwd'],
    ['a name of 10,000 characters', long],
    ['a path of many short ones', Array.from({ length: 5000 }, () => 'a').join('/')],
    ['an empty name', ''],
    ['a directory', 'a/'],
    ['a dot', 'a/./b'],
    ['a NUL', 'x\0b'],
  ])('%s, in the index and in the archive', async (_, name) => {
    await write(indexOf([file(name)]), [{ name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('its index is not one')
    await expect(readBundleIndex(archive)).rejects.toThrow('its index is not one')
    await write(indexOf([file('a')]), [{ name }])
    await expect(verifyBundle(archive)).rejects.toThrow('The bundle is refused')
  })

  test.each<[string, Partial<Entry>, string]>([
    ['a link out of the tree', { type: 'symlink', linkname: '../../etc' }, '"a" is a symlink'],
    ['a link within it', { type: 'symlink', linkname: 'b' }, '"a" is a symlink'],
    ['a hard link out of the tree', { type: 'link', linkname: '/etc/shadow' }, '"a" is a link'],
    [
      'a character device',
      { type: 'character-device', devmajor: 1, devminor: 1 },
      '"a" is a character-device',
    ],
    ['a block device', { type: 'block-device', devmajor: 8, devminor: 0 }, '"a" is a block-device'],
    ['a FIFO', { type: 'fifo' }, '"a" is a fifo'],
    ['a directory', { type: 'directory' }, '"a" is a directory'],
    ['another size', { content: 'longer content' }, '"a" has another size'],
    ['another content', { content: 'CONTENT' }, 'the checksum of "a" is wrong'],
  ])('%s', async (_, entry, complaint) => {
    await write(indexOf([file('a')]), [{ name: 'a', ...entry }])
    await expect(verifyBundle(archive)).rejects.toThrow(complaint)
    expect(await readdir(place)).toEqual(['a.tar'])
  })

  test('a file that the index does not name, at the end, in between, or twice', async () => {
    await write(indexOf([file('a')]), [{ name: 'a' }, { name: 'b' }])
    await expect(verifyBundle(archive)).rejects.toThrow('does not name "b"')
    await write(indexOf([file('a'), file('b')]), [{ name: 'b' }, { name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('does not name "b"')
    await write(indexOf([file('a')]), [{ name: 'a' }, { name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('"a" comes twice')
    await write(indexOf([file('a'), file('a')]), [{ name: 'a' }, { name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('twice')
  })

  test('what tar reads otherwise than it seems, though every content is right', async () => {
    const start = entry({ name: 'bundle.json' }, JSON.stringify(indexOf([file('a')])))
    const odd: [RegExp, Buffer[]][] = [
      [/"a" is a sparse file/, [entry({ flag: 'S' }, 'content')]],
      [/has "GNU\.sparse\.name"/, [pax({ 'GNU.sparse.name': 'b' }), entry({}, 'content')]],
      [/is a header for all that follow/, [pax({ path: 'a' }, 'g'), entry({}, 'content')]],
      [/behind its end/, [entry({}, 'content'), Buffer.alloc(1024), entry({ name: 'b' })]],
      [/would run as its owner/, [entry({ mode: '0004755\0' }, 'content')]],
    ]
    for (const [complaint, pieces] of odd) {
      await writeFile(archive, archiveOf(start, ...pieces))
      await expect(verifyBundle(archive)).rejects.toThrow(complaint)
    }
  })

  test('a file that is missing', async () => {
    await write(indexOf([file('a'), file('b')]), [{ name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('its end is missing')
  })

  test('no index, another one, or something else altogether', async () => {
    await write(undefined, [{ name: 'a' }])
    await expect(verifyBundle(archive)).rejects.toThrow('does not begin with an index')
    await expect(readBundleIndex(archive)).rejects.toThrow('does not begin with an index')
    await write('{"schema":"kernelswap.bundle/3"}', [])
    await expect(verifyBundle(archive)).rejects.toThrow('its index is not one')
    await write('no JSON', [])
    await expect(verifyBundle(archive)).rejects.toThrow('its index is not one')
    await writeFile(archive, 'x'.repeat(4096))
    await expect(verifyBundle(archive)).rejects.toThrow('damaged')
  })
})

test('what can hold no bundle is wrong usage, and is not waited for', async () => {
  for (const [path, why] of [
    [place, 'it is a directory'],
    ['/dev/zero', 'it is a device'],
    [join(place, 'none'), 'ENOENT'],
  ] as const) {
    const refusal = { kind: 'usage', message: expect.stringContaining(why) }
    await expect(readBundleIndex(path), path).rejects.toMatchObject(refusal)
    await expect(verifyBundle(path), path).rejects.toMatchObject(refusal)
  }
})

test('nothing at all is refused in a sentence', async () => {
  await writeFile(archive, '')
  for (const read of [readBundleIndex, verifyBundle])
    await expect(read(archive)).rejects.toThrow('The bundle is refused: it is empty;')
})
