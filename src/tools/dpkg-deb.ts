import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { run, runForBytes } from '../host/local.ts'

const readSeconds = 120

/** A field of a package file's description, such as `Version`. @throws ProgramError for what is no package. */
export async function fieldOf(file: string, name: string): Promise<string> {
  return (await run('dpkg-deb', ['--field', file, name], { timeoutSeconds: readSeconds })).stdout.trim()
}

/**
 * Contents of a package file that are wanted, by their absolute paths. Nothing is unpacked to a disk.
 * @throws ProgramError for what is no package.
 */
export async function filesIn(
  file: string,
  isWanted: (path: string) => boolean,
): Promise<Map<string, Uint8Array>> {
  const archive = await runForBytes('dpkg-deb', ['--fsys-tarfile', file], { timeoutSeconds: readSeconds })
  const files = new Map<string, Uint8Array>()
  const reader = extract()
  reader.on('entry', ({ name, type }, stream, next) => {
    // The reader's own error tells; unheard, the entry's copy of it would end the process.
    stream.on('error', () => {})
    const path = name.replace(/^\.?\//, '/')
    if (type === 'file' && isWanted(path)) {
      void buffer(stream).then((bytes) => {
        files.set(path, bytes)
        next()
      }, next)
    } else stream.on('end', next).resume()
  })
  await pipeline(Readable.from(chunksOf(archive)), reader)
  return files
}

const chunkBytes = 1024 * 1024

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
