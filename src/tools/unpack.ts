import { gunzipSync } from 'node:zlib'
import { type Compression, compressionOf } from '../btf/boot-image.ts'
import { Failure } from '../errors.ts'
import { runForBytes } from '../host/local.ts'

/** What unpacks from standard input to standard output, several files one after the other as well. */
const programs: Readonly<Record<Exclude<Compression, 'none' | 'gzip'>, readonly [string, ...string[]]>> = {
  bzip2: ['bzip2'],
  lzma: ['xz', '--format=lzma'],
  xz: ['xz'],
  lzop: ['lzop'],
  lz4: ['lz4'],
  zstd: ['zstd'],
}

const unpackSeconds = 120
/** Far more than a kernel or a few modules take. */
const mostBytes = 1024 * 1024 * 1024

/**
 * Unpacks a file, or several of a kind one after the other.
 * @throws MissingProgram where this host has nothing that could; ProgramError or Failure 'failed' for what is damaged.
 */
export async function unpack(bytes: Uint8Array): Promise<Uint8Array> {
  const compression = compressionOf(bytes)
  if (compression === undefined) throw new Failure('failed', 'It is packed in a way that is not known here.')
  if (compression === 'none') return bytes
  if (compression === 'gzip') return gunzip(bytes)
  const [program, ...format] = programs[compression]
  const words = [...format, '--decompress', '--stdout']
  return runForBytes(program, words, { input: bytes, timeoutSeconds: unpackSeconds })
}

/** Unpacks what gzip packed. @throws Failure 'failed' */
export function gunzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes })
  } catch (error) {
    throw new Failure('failed', 'A file that gzip packed is damaged.', { cause: error })
  }
}
