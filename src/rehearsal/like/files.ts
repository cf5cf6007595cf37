import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, type Pack, pack } from 'tar-stream'
import { type Contents, checkArchive } from '../../archive/check.ts'
import { Failure } from '../../errors.ts'
import type { ReadHost } from './host.ts'
import type { Copied } from './likeness.ts'
import { isKeptBack, isPlain, isWithin, outermost } from './paths.ts'

/** What came of fetching files. */
export interface Fetched extends Kept {
  readonly notes: string[]
}

/** What an archive has. */
export interface Kept {
  readonly copied: Copied[]
  /** Directories that were asked for, and are there as a whole. */
  readonly folders: string[]
}

/** What a copy may hold: no devices, no pipes. */
const contents: Contents = { kinds: ['file', 'directory', 'symlink', 'link'], setuid: true }
const kinds: readonly (Header['type'] | undefined)[] = contents.kinds

/**
 * Fetches files and directories of a host into an archive that only we may read. The host is not trusted: what wasn't
 * asked for, or is no file, directory or link, is left out, and an archive that would leave its root is refused.
 * @param members absolute paths; what isn't there is left out
 * @throws Failure where they don't arrive whole.
 */
export async function fetchFiles(
  host: ReadHost,
  members: readonly string[],
  archive: string,
): Promise<Fetched> {
  const program = await host.start('tar', [
    ...['--create', '--directory=/', '--format=gnu', '--ignore-failed-read'],
    ...['--null', '--verbatim-files-from', '--files-from=-'],
  ])
  // Heard below, once the stream has told what it can.
  program.ended.catch(() => {})
  program.stdin.end(
    outermost(members)
      .map((path) => `${path.slice(1)}\0`)
      .join(''),
  )
  const kept = await filterArchive(program.stdout, archive, members)
  const { code, stderr } = await program.ended
  // 1: some file changed while it was read (tar(1)).
  if (code > 1) throw incomplete(host, stderr)
  await checkArchive(archive, contents)
  const changed = [...stderr.matchAll(/^tar: (.*): file changed as we read it$/gm)].map(([, path]) => path)
  return { ...kept, notes: changed.map((path) => `/${path} changed while it was copied`) }
}

function incomplete(host: ReadHost, stderr: string): Failure {
  const why = stderr.trim().split('\n').at(-1)
  return new Failure('failed', `The files of ${host.name} could not be copied: ${why}; try again.`)
}

/** Writes an archive anew, with nothing in it but what was asked for, and returns what that is. */
export async function filterArchive(
  source: NodeJS.ReadableStream,
  archive: string,
  members: readonly string[],
): Promise<Kept> {
  const copied: Copied[] = []
  const folders: string[] = []
  const reader = extract()
  const writer = pack()
  const closed: string[] = []
  const names = new Set<string>()
  const written = pipeline(writer, createWriteStream(archive, { mode: 0o600 }))
  written.catch((error) => reader.destroy(error))
  reader.on('entry', (header, stream, next) => {
    // The reader's own error tells; unheard, the entry's copy of it would end the process.
    stream.on('error', () => {})
    const path = `/${header.name.replace(/\/$/, '')}`
    // A hard link is of no use without the file that it is another name of.
    if (!isWanted(path, header, members) || (header.type === 'link' && !names.has(`/${header.linkname}`))) {
      stream.on('end', next).resume()
      return
    }
    names.add(path)
    const isOpen = isOpenToAll(header)
    if (header.type === 'directory') {
      if (!isOpen) closed.push(path)
      if (members.includes(path)) folders.push(path)
    } else copied.push({ path, secret: !isOpen || closed.some((folder) => isWithin(path, folder)) })
    stream.pipe(entryOf(writer, header, next))
  })
  try {
    await pipeline(source, reader)
    writer.finalize()
  } catch (error) {
    writer.destroy()
    await written.catch(() => {})
    throw error
  }
  await written
  return { copied, folders }
}

function isWanted(path: string, { type }: Header, members: readonly string[]): boolean {
  return (
    isPlain(path) &&
    kinds.includes(type ?? undefined) &&
    !isKeptBack(path) &&
    members.some((member) => isWithin(path, member))
  )
}

/** Links have no mode of their own. */
function isOpenToAll({ type, mode = 0 }: Header): boolean {
  return type === 'symlink' || (mode & 0o004) !== 0
}

/** What else its header says (pax records) stays behind: nobody has looked at it. */
function entryOf(writer: Pack, header: Header, next: (error?: Error | null) => void): NodeJS.WritableStream {
  return writer.entry({ ...header, pax: null }, next) as unknown as NodeJS.WritableStream
}
