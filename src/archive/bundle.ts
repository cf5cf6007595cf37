import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack as createPack, type Extract, extract, type Header } from 'tar-stream'
import * as z from 'zod'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { openRegularFile } from '../regular-file.ts'
import { archiveChecker, type Contents, UnsafeArchive } from './check.ts'

/** A path below the bundle that stays there: no absolute one, no `.` or `..`, nothing a file system has no room for. */
const nameSchema = z
  .string()
  .max(4095)
  .refine(
    (name) => !name.includes('\0') && name.split('/').every((part) => isOrdinary(part)),
    'leaves the bundle, or is no name of a file',
  )

function isOrdinary(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255
}

const socketSchema = z.object({
  protocol: z.enum(['tcp', 'udp']),
  /** As `node:net` reads it, IPv4 or IPv6. */
  address: z.string(),
  port: z.int().min(0).max(65535),
  /** It waits for connections: nobody else can have that port meanwhile. */
  listens: z.boolean(),
})
export type BundleSocket = z.infer<typeof socketSchema>

/** The first entry of a bundle: what it holds. Anything else in it is refused. */
export const bundleIndexSchema = z.object({
  schema: z.enum(['kernelswap.bundle/1', 'kernelswap.bundle/2']),
  /** The swap's id. */
  id: z.string().regex(/^\d{14}$/),
  host: z
    .string()
    .max(255)
    .regex(/^[\w.-]*$/),
  kernel: z.object({ from: z.string(), to: z.string() }),
  units: z.array(z.string()),
  /** Where TCP and UDP sockets of the units are bound. Version 1 doesn't tell. */
  sockets: z.array(socketSchema).default([]),
  /** Regular files, in the order in which they follow. */
  files: z
    .array(
      z.object({
        name: nameSchema,
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'names a file twice'),
})
/** What a bundle holds. */
export type BundleIndex = z.infer<typeof bundleIndexSchema>
export type BundleFile = BundleIndex['files'][number]

const indexName = 'bundle.json'
/** Thousands of files fit; what is larger is no index. */
const indexLimit = 16 * 1024 * 1024
/** Fewer and larger reads: a checkpoint is mostly a few large files. */
const readBytes = 1024 * 1024

/** Total size of the files of a bundle. */
export function bytesOfBundle({ files }: BundleIndex): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/**
 * The contents of a bundle's files, one after the other with nothing in between: what `beginBundle` takes.
 * @param locate where a file of the index lies
 * @param from bytes of them that are left out at the beginning
 * @throws Error where a file has become shorter than the index says.
 */
export async function* contentsOf(
  { files }: BundleIndex,
  locate: (name: string) => string,
  from = 0,
): AsyncGenerator<Buffer> {
  let before = 0
  for (const { name, bytes } of files) {
    const start = Math.max(0, from - before)
    before += bytes
    if (start >= bytes) continue
    let left = bytes - start
    const range = { start, end: bytes - 1, highWaterMark: readBytes }
    for await (const chunk of createReadStream(locate(name), range)) {
      left -= (chunk as Buffer).length
      yield chunk as Buffer
    }
    if (left > 0) throw new Error(`${name} has become shorter`)
  }
}

/** A bundle that is being written, from the contents of its files as they come. */
export interface BundleWriter {
  readonly index: BundleIndex
  /** Bytes of contents so far. */
  readonly done: () => number
  /** Takes the contents' next piece. @throws Failure where a file isn't as the index says; what the sink throws. */
  readonly write: (piece: Buffer) => Promise<void>
  /** To be called at the end; the sink has ended when it returns. @throws Failure where something is missing. */
  readonly finish: () => Promise<void>
}

/** A file of a bundle that is being written. */
interface OpenFile {
  readonly file: BundleFile
  readonly entry: Writable
  readonly hash: Hash
  left: number
}

/** Begins to write a bundle: a tar archive of the index and the files that it names. */
export async function beginBundle(index: BundleIndex, sink: Writable): Promise<BundleWriter> {
  const tar = createPack()
  const written = pipeline(tar, sink)
  // A sink that has failed takes nothing any more; whoever waits for that hears of it.
  const failure = written.then(() => new Promise<never>(() => {}))
  failure.catch(() => {})
  const files = index.files.values()
  let open: OpenFile | undefined
  let done = 0

  async function append(entry: Writable, piece: Buffer): Promise<void> {
    if (entry.write(piece)) return
    await Promise.race([new Promise((resolve) => entry.once('drain', resolve)), failure])
  }

  async function close(entry: Writable): Promise<void> {
    await Promise.race([new Promise<void>((resolve) => entry.once('finish', resolve).end()), failure])
  }

  function entryOf(name: string, size: number): Writable {
    const entry = tar.entry({ name, size, mode: 0o600 }) as unknown as Writable
    // The archive's own error tells; unheard, the entry's copy of it would end the process.
    return entry.on('error', () => {})
  }

  /** The next file that has content; those before it are whole. */
  async function openNext(): Promise<OpenFile | undefined> {
    for (const file of files) {
      const entry = entryOf(file.name, file.bytes)
      if (file.bytes > 0) return { file, entry, hash: createHash('sha256'), left: file.bytes }
      await close(entry)
    }
    return undefined
  }

  async function closeWhole({ file, entry, hash }: OpenFile): Promise<void> {
    if (hash.digest('hex') !== file.sha256)
      throw refused(`the checksum of ${JSON.stringify(file.name.slice(0, 100))} is wrong`)
    await close(entry)
  }

  const text = Buffer.from(JSON.stringify(index))
  const first = entryOf(indexName, text.length)
  await append(first, text)
  await close(first)
  open = await openNext()

  return {
    index,
    done: () => done,
    write: async (piece) => {
      for (let rest = piece; rest.length > 0; ) {
        if (!open) throw refused('more comes than its index names')
        const part = rest.subarray(0, open.left)
        rest = rest.subarray(part.length)
        open.hash.update(part)
        await append(open.entry, part)
        open.left -= part.length
        done += part.length
        if (open.left > 0) continue
        await closeWhole(open)
        open = await openNext()
      }
    },
    finish: async () => {
      if (open) throw refused('its end is missing')
      tar.finalize()
      await written
    },
  }
}

/** A bundle has files alone; how they are unpacked is ours. */
const bundleContents: Contents = { kinds: ['file'], setuid: false }

/** Reads a bundle as it goes by, and refuses it at the first thing that isn't as its index says. */
export interface BundleCheck {
  /** Where the archive is written to; an error of it is a Failure. */
  readonly sink: Writable
  /** Undefined until it was read. */
  readonly index: () => BundleIndex | undefined
  /** To be called at the end. @throws Failure where files are missing. */
  readonly finish: () => BundleIndex
}

/**
 * Begins to check a bundle.
 * @param create where the content of a file goes as well, if anywhere
 */
export function checkBundle(create?: (name: string) => Promise<FileHandle>): BundleCheck {
  let index: BundleIndex | undefined
  let position = 0
  const reader = extract()
  reader.on('entry', (header, stream, next) => {
    // The reader's own error tells; unheard, the entry's copy of it would end the process.
    stream.on('error', () => {})
    const take = index ? takeFile(index, position) : takeIndex()
    take(header, stream as unknown as Readable).then(
      (found) => {
        if (index) position += 1
        index ??= found
        next()
      },
      (error: unknown) => reader.destroy(asFailure(error)),
    )
  })

  function takeIndex() {
    return async (header: Header, stream: Readable): Promise<BundleIndex> => {
      if (header.type !== 'file' || header.name !== indexName || (header.size ?? 0) > indexLimit)
        throw refused('it does not begin with an index')
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      return parseIndex(Buffer.concat(chunks).toString('utf8'))
    }
  }

  function takeFile({ files }: BundleIndex, at: number) {
    return async (header: Header, stream: Readable): Promise<undefined> => {
      const expected = files[at]
      const what = JSON.stringify(header.name.slice(0, 100))
      if (header.type !== 'file') throw refused(`${what} is a ${header.type}, not a file`)
      if (header.name !== expected?.name) throw refused(`its index does not name ${what} there`)
      if (header.size !== expected.bytes) throw refused(`${what} has another size than its index says`)
      if ((await copyAndHash(stream, expected.name)) !== expected.sha256)
        throw refused(`the checksum of ${what} is wrong`)
      return undefined
    }
  }

  async function copyAndHash(stream: Readable, name: string): Promise<string> {
    const hash = createHash('sha256')
    const file = await create?.(name)
    try {
      for await (const chunk of stream) {
        hash.update(chunk as Buffer)
        await file?.writeFile(chunk as Buffer)
      }
    } finally {
      await file?.close()
    }
    return hash.digest('hex')
  }

  return {
    sink: reader as unknown as Writable,
    index: () => index,
    finish: () => {
      if (!index || position < index.files.length) throw refused('its end is missing')
      return index
    },
  }
}

/**
 * Reads a bundle to its end.
 * @throws Failure for one that is damaged, cut short or holds anything but files of its own.
 */
export async function verifyBundle(file: string): Promise<BundleIndex> {
  const check = checkBundle()
  await readThrough(file, check)
  return check.finish()
}

/** @throws Failure 'usage' for what can be no bundle. */
async function openBundle(file: string): Promise<Readable> {
  const opened = await openRegularFile(file).catch((error: unknown) => {
    throw new Failure('usage', `${file} can't be read: ${messageOf(error)}.`, { cause: error })
  })
  if ((await opened.stat()).size > 0) return opened.createReadStream({ highWaterMark: readBytes })
  await opened.close()
  throw refused('it is empty')
}

async function readThrough(file: string, check: BundleCheck, signal?: AbortSignal): Promise<void> {
  const source = await openBundle(file)
  try {
    await pipeline(source, archiveChecker(bundleContents), check.sink, signal ? { signal } : {})
  } catch (error) {
    throw asFailure(signal?.aborted ? signal.reason : error)
  }
}

/**
 * Unpacks a bundle, and checks it meanwhile as `verifyBundle` does: what comes of a bundle that is refused is for the
 * caller to remove.
 * @param directory an empty one; only its owner may look into what is put there
 * @throws Failure as `verifyBundle` does, and where there is no space.
 */
export async function unpackBundle(
  file: string,
  directory: string,
  signal: AbortSignal,
): Promise<BundleIndex> {
  const check = checkBundle(async (name) => {
    const path = join(directory, name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, 'wx', 0o600)
  })
  await readThrough(file, check, signal)
  return check.finish()
}

/**
 * Reads what a bundle says that it holds, and nothing after that.
 * @throws Failure where it isn't a bundle.
 */
export async function readBundleIndex(file: string): Promise<BundleIndex> {
  const check = checkBundle()
  const source = await openBundle(file)
  const reader = check.sink as unknown as Extract
  await new Promise<void>((resolve, reject) => {
    // The second entry comes once the first was taken; the end, where there is none.
    reader.on('entry', () => check.index() && resolve())
    const read = pipeline(source, archiveChecker(bundleContents), check.sink)
    read.then(resolve, (error: unknown) => reject(asFailure(error)))
  })
  source.destroy()
  const index = check.index()
  if (!index) throw refused('it does not begin with an index')
  return index
}

/** Reads an index. @throws Failure where it is none. */
export function parseIndex(text: string): BundleIndex {
  try {
    return bundleIndexSchema.parse(JSON.parse(text))
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined
    const where = issue ? `: ${issue.path.join('.')} ${issue.message}` : ''
    throw new Failure('failed', `The bundle is refused: its index is not one${where}.`, { cause: error })
  }
}

function refused(why: string): Failure {
  return new Failure('failed', `The bundle is refused: ${why}; take it again, or use another one.`)
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof UnsafeArchive) return refused(error.message)
  if (isErrno(error, 'ENOSPC', 'EDQUOT'))
    return new Failure('failed', 'No space left to unpack the bundle; free some and try again.', {
      cause: error,
    })
  return new Failure('failed', `The bundle is refused: it is damaged or cut short (${messageOf(error)}).`, {
    cause: error,
  })
}
