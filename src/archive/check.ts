import { createReadStream } from 'node:fs'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Failure, messageOf } from '../errors.ts'
import {
  blockBytes,
  type Extension,
  type Header,
  isZero,
  parseHeader,
  parseLongName,
  parsePax,
} from './headers.ts'

export type Kind = 'file' | 'link' | 'symlink' | 'directory' | 'fifo'

/** What archives of a sort may hold. */
export interface Contents {
  readonly kinds: readonly Kind[]
  /** Programs that run as their owner or group, whoever starts them. */
  readonly setuid: boolean
}

/** What `packTree` makes of a service's files. */
export const treeContents: Contents = {
  kinds: ['file', 'link', 'symlink', 'directory', 'fifo'],
  setuid: true,
}

/** An entry that stays below the directory that the archive is unpacked in. */
export interface Entry {
  /** From that directory on; '' is the directory itself. Bytes, each a character (latin1). */
  readonly path: string
  readonly kind: Kind
  /** Permissions and the three bits before them. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** An archive that isn't unpacked: why, as part of a sentence. */
export class UnsafeArchive extends Error {}

const kindOf: ReadonlyMap<string, Kind> = new Map([
  ['0', 'file'],
  ['1', 'link'],
  ['2', 'symlink'],
  ['5', 'directory'],
  ['6', 'fifo'],
])
/** What is refused by name (tar(5)); the others are called by their letter. */
const refusedKinds: ReadonlyMap<string, string> = new Map([
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['7', 'contiguous file'],
  ['D', 'directory with a list of names'],
  ['M', 'part of another volume'],
  ['N', 'list of names'],
  ['S', 'sparse file'],
  ['V', 'volume label'],
  ['g', 'header for all that follow'],
])
const setuidBits = 0o6000
/** A path has 4,096 bytes at most (limits.h), and a pax header few records. */
const extensionLimit = 64 * 1024

/**
 * Passes an archive on, and ends at the first thing in it that isn't plain: every entry stays below the directory it will
 * be unpacked in, comes once, and never through a link of the archive.
 * @param seen told of each entry before its content is passed on
 * @throws (as the stream's error) UnsafeArchive for what isn't allowed, Error for an archive that is damaged or cut short.
 */
export function archiveChecker(allowed: Contents, seen: (entry: Entry) => void = () => {}): Transform {
  const tree = new Tree()
  let gathered: Buffer[] = []
  /** Bytes that are missing of what is gathered. */
  let missing = blockBytes
  /** Bytes of content that pass by before the next header. */
  let passing = 0
  let take: (bytes: Buffer) => void = takeHeader
  let extension: Extension = {}
  let zeroBlocks = 0

  function takeHeader(block: Buffer): void {
    const header = parseHeader(block)
    if (!header || zeroBlocks > 0) takeEnd(header)
    else if (['x', 'L', 'K'].includes(header.flag)) expectExtension(header)
    else takeEntry(header)
  }

  function takeEnd(header: Header | undefined): void {
    if (header) throw new UnsafeArchive('it goes on behind its end')
    if (Object.keys(extension).length > 0) throw new Error('its last entry is missing')
    zeroBlocks += 1
  }

  function expectExtension({ flag, size }: Header): void {
    if (size === 0 || size > extensionLimit)
      throw new UnsafeArchive(`a name or header in it has ${size} bytes`)
    missing = size
    take = (content) => {
      const told =
        flag === 'x' ? parsePax(content) : { [flag === 'L' ? 'name' : 'linkname']: parseLongName(content) }
      const twice = Object.keys(told).find((key) => key in extension)
      if (twice !== undefined) throw new UnsafeArchive(`the ${twice} of an entry is told twice`)
      extension = { ...extension, ...told }
      passing = padded(size) - size
      take = takeHeader
    }
  }

  function takeEntry(header: Header): void {
    const { flag, name, linkname, mode, size, uid, gid } = { ...header, ...extension }
    extension = {}
    const quoted = quote(name)
    const kind = kindOf.get(flag)
    if (!kind || !allowed.kinds.includes(kind))
      throw new UnsafeArchive(`${quoted} is a ${kind ?? refusedKinds.get(flag) ?? `${quote(flag)} entry`}`)
    // Whether content follows then is read in two ways.
    if (kind !== 'file' && size > 0) throw new UnsafeArchive(`the ${kind} ${quoted} has content`)
    if (kind === 'file' && !allowed.setuid && (mode & setuidBits) !== 0)
      throw new UnsafeArchive(`${quoted} would run as its owner or group, whoever starts it`)
    const path = tree.add(name, kind, linkname)
    passing = padded(size)
    seen({ path, kind, mode: mode & 0o7777, uid, gid })
  }

  function read(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      if (zeroBlocks >= 2) {
        if (!isZero(rest)) throw new UnsafeArchive('it goes on behind its end')
        return
      }
      const part = rest.subarray(0, passing || missing)
      rest = rest.subarray(part.length)
      if (passing > 0) {
        passing -= part.length
        continue
      }
      gathered.push(part)
      missing -= part.length
      if (missing > 0) continue
      const whole = Buffer.concat(gathered)
      gathered = []
      missing = blockBytes
      take(whole)
    }
  }

  return new Transform({
    transform: (chunk: Buffer, _, done) => attempt(() => read(chunk), done, chunk),
    flush: (done) =>
      attempt(() => {
        if (zeroBlocks < 2) throw new Error('its end is missing')
      }, done),
  })
}

/**
 * Reads an archive to its end.
 * @throws Failure for one that is cut short, damaged or unsafe.
 */
export async function entriesOf(archive: string, allowed: Contents = treeContents): Promise<Entry[]> {
  const entries: Entry[] = []
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  try {
    await pipeline(
      createReadStream(archive),
      archiveChecker(allowed, (entry) => void entries.push(entry)),
      nowhere,
    )
  } catch (error) {
    const why = messageOf(error)
    throw error instanceof UnsafeArchive
      ? new Failure('failed', `The archive ${archive} is unsafe: ${why}.`)
      : new Failure('failed', `The archive ${archive} is damaged: ${why}; take the checkpoint again.`, {
          cause: error,
        })
  }
  return entries
}

/** Reads an archive as `entriesOf` does, and returns the number of its entries. */
export async function checkArchive(archive: string, allowed?: Contents): Promise<number> {
  return (await entriesOf(archive, allowed)).length
}

/** What an archive has unpacked so far. */
class Tree {
  readonly #kinds = new Map<string, Kind>()

  /** Adds an entry and returns its path. @throws UnsafeArchive for one that would leave the tree, or change what is there. */
  add(name: string, kind: Kind, linkname: string): string {
    const quoted = quote(name)
    const path = this.#pathOf(name, `the name ${quoted}`)
    if (kind !== 'directory' && (path === '' || name.endsWith('/')))
      throw new UnsafeArchive(`${quoted} is no name of a ${kind}`)
    const before = this.#kinds.get(path)
    if (before !== undefined && (before !== 'directory' || kind !== 'directory'))
      throw new UnsafeArchive(`${quoted} comes twice`)
    this.#kinds.set(path, kind === 'link' ? this.#targetOf(linkname, quoted) : kind)
    return path
  }

  /** A hard link is another name of an entry that came before. */
  #targetOf(linkname: string, quoted: string): Kind {
    const target = this.#kinds.get(this.#pathOf(linkname, `the hard link ${quoted}`))
    if (target === undefined || target === 'directory')
      throw new UnsafeArchive(`the hard link ${quoted} leads to no file before it`)
    return target
  }

  #pathOf(name: string, what: string): string {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.')
    if (name === '' || name.startsWith('/') || parts.includes('..'))
      throw new UnsafeArchive(`${what} leaves its directory, or may`)
    for (let depth = 1; depth < parts.length; depth += 1) this.#descend(parts.slice(0, depth).join('/'), what)
    return parts.join('/')
  }

  /** Unpacking makes directories that no entry names. */
  #descend(parent: string, what: string): void {
    const kind = this.#kinds.get(parent) ?? 'directory'
    if (kind !== 'directory')
      throw new UnsafeArchive(`${what} leads through a ${kind === 'symlink' ? 'link' : kind}`)
    this.#kinds.set(parent, 'directory')
  }
}

function attempt(
  act: () => void,
  done: (error?: Error | null, chunk?: Buffer) => void,
  chunk?: Buffer,
): void {
  try {
    act()
  } catch (error) {
    done(error as Error)
    return
  }
  done(null, chunk)
}

function padded(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes
}

/** As it can be shown. */
function quote(name: string): string {
  return JSON.stringify(Buffer.from(name, 'latin1').toString('utf8').slice(0, 100))
}
