import { gunzipSync } from 'node:zlib'
import { type Compression, compressionOf } from '../btf/boot-image.ts'
import { Failure } from '../errors.ts'
import { ProgramError, runForBytes } from '../host/local.ts'

interface Unpacker {
  readonly words: readonly [program: string, ...args: string[]]
  /** Debian's package that has it. */
  readonly package: string
}

/** What unpacks from standard input to standard output, several files one after the other as well. */
const unpackers: Readonly<Record<Exclude<Compression, 'none' | 'gzip'>, Unpacker>> = {
  bzip2: { words: ['bzip2', '--decompress', '--stdout'], package: 'bzip2' },
  lzma: { words: ['xz', '--format=lzma', '--decompress', '--stdout'], package: 'xz-utils' },
  xz: { words: ['xz', '--decompress', '--stdout'], package: 'xz-utils' },
  lzop: { words: ['lzop', '--decompress', '--stdout'], package: 'lzop' },
  lz4: { words: ['lz4', '--decompress', '--stdout'], package: 'lz4' },
  zstd: { words: ['zstd', '--decompress', '--stdout'], package: 'zstd' },
}

const unpackSeconds = 120

/**
 * Unpacks a file, or several of a kind one after the other.
 * @throws Failure 'refused' where this host has nothing that could; ProgramError for what is damaged.
 */
export async function unpack(bytes: Uint8Array): Promise<Uint8Array> {
  const compression = compressionOf(bytes)
  if (compression === undefined) throw new Failure('failed', 'It is packed in a way that is not known here.')
  if (compression === 'none') return bytes
  if (compression === 'gzip') return gunzipSync(bytes)
  const {
    words: [program, ...args],
    package: needed,
  } = unpackers[compression]
  try {
    return await runForBytes(program, args, { input: bytes, timeoutSeconds: unpackSeconds })
  } catch (error) {
    if (!(error instanceof ProgramError) || error.ended.code !== 127) throw error
    throw new Failure('refused', `It is packed with ${program}, which isn't here; install ${needed}.`)
  }
}
