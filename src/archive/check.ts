import { createReadStream } from 'node:fs'
import { isAbsolute, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import { Failure } from '../errors.ts'

/**
 * Reads an archive to its end and refuses it unless every entry stays below the directory it will be unpacked in:
 * no absolute name, none that climbs out, no hard link out of it, nothing below a symbolic link of the archive, no device.
 * @returns the number of entries.
 * @throws Failure for an archive that is cut short, damaged or unsafe.
 */
export async function checkArchive(archive: string): Promise<number> {
  const symlinks = new Set<string>()
  let count = 0
  const reader = extract()
  reader.on('entry', (header, stream, next) => {
    // The reader's own error tells; unheard, the entry's copy of it would end the process.
    stream.on('error', () => {})
    const unsafe = complaint(header, symlinks)
    if (unsafe) {
      reader.destroy(new Failure('failed', `The archive ${archive} is unsafe: ${unsafe}.`))
      return
    }
    if (header.type === 'symlink') symlinks.add(parts(header.name).join('/'))
    count += 1
    stream.on('end', next)
    stream.resume()
  })
  try {
    await pipeline(createReadStream(archive), reader)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('failed', `The archive ${archive} is damaged; take the checkpoint again.`, {
      cause: error,
    })
  }
  return count
}

/** What `packTree` writes. */
const kinds: ReadonlySet<string> = new Set(['file', 'directory', 'symlink', 'link', 'fifo'])

function complaint({ name, type, linkname }: Header, symlinks: ReadonlySet<string>): string | undefined {
  const quoted = JSON.stringify(name)
  if (!kinds.has(type ?? 'file')) return `${quoted} is a ${type}`
  if (leaves(name)) return `the name ${quoted} leaves its directory`
  if (leadsThroughLink(name, symlinks)) return `the name ${quoted} leads through a link`
  if (type !== 'link') return undefined
  const target = linkname ?? ''
  if (leaves(target)) return `the hard link ${quoted} leaves its directory`
  return leadsThroughLink(target, symlinks) ? `the hard link ${quoted} leads through a link` : undefined
}

function leaves(name: string): boolean {
  return isAbsolute(name) || parts(name)[0] === '..'
}

function leadsThroughLink(name: string, symlinks: ReadonlySet<string>): boolean {
  const all = parts(name)
  return all.some((_, index) => index > 0 && symlinks.has(all.slice(0, index).join('/')))
}

function parts(name: string): string[] {
  return normalize(name).replace(/\/$/, '').split('/')
}
