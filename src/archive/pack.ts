import { type BigIntStats, constants, createWriteStream } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack as createPack, type Header, type Pack } from 'tar-stream'
import { isErrno } from '../errors.ts'

interface PackOptions {
  /** Directories that come first, and nothing that they hold. */
  readonly alone?: readonly string[]
  /** Paths below members that stay out with all they hold: they aren't looked at. */
  readonly without?: ReadonlySet<string>
}

/**
 * Archives files and directories with owner, mode, time of change to the nanosecond and hard links. (Extended
 * attributes: `dumpAttributes`.)
 *
 * `members` are absolute paths as a process with root directory `root` sees them; in the archive they are relative to
 * it. No link is followed. Sockets are left out: CRIU binds them again.
 * @returns the number of entries; members that don't exist are left out.
 */
export async function packTree(
  root: string,
  members: readonly string[],
  archive: string,
  { alone = [], without = new Set() }: PackOptions = {},
): Promise<number> {
  const tar = createPack()
  let failed: unknown
  const written = pipeline(tar, createWriteStream(archive, { mode: 0o600 })).catch((error) => {
    failed = error
  })
  const packing = { tar, root, without, links: new Map<string, string>(), count: 0 }
  try {
    for (const directory of alone) await packAlone(packing, directory)
    for (const member of members) await packMember(packing, member)
    tar.finalize()
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)))
    await written
    // Where writing failed first, the reading side only knows that its stream is gone.
    throw failed ?? error
  }
  await written
  if (failed) throw failed
  return packing.count
}

/** What kind of entry, and where a link points to. */
type Kind = Pick<Header, 'type'> & Partial<Pick<Header, 'linkname'>>
type PartialHeader = Partial<Header> & Pick<Header, 'name'> & { pax: Record<string, string> }

interface Packing {
  readonly tar: Pack
  readonly root: string
  readonly without: ReadonlySet<string>
  /** Where a file with several names was first met, by device and inode. */
  readonly links: Map<string, string>
  count: number
}

async function packAlone(packing: Packing, directory: string): Promise<void> {
  const file = await lstat(join(packing.root, directory), { bigint: true })
  if (file.isDirectory()) await addEntry(packing, directory, file, { type: 'directory' })
}

async function packMember(packing: Packing, member: string): Promise<void> {
  const path = join(packing.root, member)
  try {
    const file = await lstat(path, { bigint: true })
    if (file.isDirectory()) {
      await addEntry(packing, member, file, { type: 'directory' })
      const inside = (await readdir(path)).sort().map((name) => join(member, name))
      for (const one of inside) if (!packing.without.has(one)) await packMember(packing, one)
    } else if (file.isSymbolicLink()) {
      await addEntry(packing, member, file, { type: 'symlink', linkname: await readlink(path) })
    } else if (file.isFIFO()) {
      await addEntry(packing, member, file, { type: 'fifo' })
    } else if (file.isFile()) {
      await packFile(packing, member, file)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

async function packFile(packing: Packing, member: string, file: BigIntStats): Promise<void> {
  const identity = `${file.dev}:${file.ino}`
  const first = packing.links.get(identity)
  if (first !== undefined) {
    await addEntry(packing, member, file, { type: 'link', linkname: relativeName(first) })
    return
  }
  if (file.nlink > 1n) packing.links.set(identity, member)
  const handle = await open(join(packing.root, member), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await addEntry(packing, member, file, { type: 'file' }, handle.createReadStream({ autoClose: false }))
  } finally {
    await handle.close()
  }
}

async function addEntry(
  packing: Packing,
  member: string,
  file: BigIntStats,
  kind: Kind,
  content?: NodeJS.ReadableStream,
): Promise<void> {
  const header: PartialHeader = {
    name: relativeName(member),
    // With the bits of its type, which tar-stream masks: a mode of 0 it would take for a missing one.
    mode: Number(file.mode),
    size: content ? Number(file.size) : 0,
    // The plain header holds whole seconds and ids up to 2 097 151 only (tar(5)).
    pax: { mtime: seconds(file.mtimeNs), uid: String(file.uid), gid: String(file.gid) },
    ...kind,
  }
  await entry(packing.tar, header, content)
  packing.count += 1
}

function seconds(nanoseconds: bigint): string {
  const digits = String(nanoseconds < 0n ? -nanoseconds : nanoseconds).padStart(10, '0')
  return `${nanoseconds < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`
}

function relativeName(member: string): string {
  return member.replace(/^\/+/, '') || '.'
}

function entry(tar: Pack, header: PartialHeader, content?: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = tar.entry(header, (error) => (error ? reject(error) : resolve()))
    // It comes as an event as well where writing the archive fails; one that nobody hears would end kernelswap.
    sink.on('error', reject)
    if (!content) {
      sink.end(null)
      return
    }
    content.on('error', reject)
    content.pipe(sink as unknown as NodeJS.WritableStream)
  })
}
