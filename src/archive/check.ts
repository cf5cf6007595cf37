import { createReadStream } from 'node:fs'
import { isAbsolute, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import { Failure } from '../errors.ts'

/**
 * Reads an archive to its end and refuses it unless every entry stays below the directory it will be unpacked in:
 * no absolute name, none that climbs out, no hard link out of it, nothing below a symbolic link of the archive.
 * @returns the number of entries.
 * @throws Failure for an archive that is cut short, damaged or unsafe.
 */
export async function checkArchive(archive: string): Promise<number> {
  const symlinks = new Set<string>()
  let count = 0
  const reader = extract()
  reader.on('entry', (header, stream, next) => {
    const unsafe = complaint(header, symlinks)
    if (unsafe) {
      reader.destroy(new Failure('failed', `The archive ${archive} is unsafe: ${unsafe}.`))
      return
    }
    if (header.type === 'symlink') symlinks.add(normalize(header.name))
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

function complaint({ name, type, linkname }: Header, symlinks: ReadonlySet<string>): string | undefined {
  if (leaves(name)) return `the name ${JSON.stringify(name)} leaves its directory`
  if (type === 'link' && leaves(linkname ?? ''))
    return `the hard link ${JSON.stringify(name)} leaves its directory`
  const parts = normalize(name).split('/')
  const throughLink = parts.some((_, index) => index > 0 && symlinks.has(parts.slice(0, index).join('/')))
  return throughLink ? `the name ${JSON.stringify(name)} leads through a link` : undefined
}

function leaves(name: string): boolean {
  return isAbsolute(name) || normalize(name).split('/')[0] === '..'
}
