import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type BundleCheck, type BundleIndex, bytesOfBundle, checkBundle } from '../archive/bundle.ts'
import { syncDirectory } from '../durable.ts'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { ConnectionLost } from '../host/ssh-connection.ts'
import type { RemoteHost } from './host.ts'

/** Progress is told this often, in milliseconds. */
const interval = 5000
/** What is held back for the disk at most. */
const bufferBytes = 4 * 1024 * 1024

/**
 * Fetches the sealed checkpoint of a swap that waits for it, and lets the swap go on once it is on disk, whole.
 * @param directory where the bundle goes, as HOST-ID.tar; made if it is missing
 * @returns the bundle's path
 * @throws Failure where it couldn't be kept or didn't arrive; the swap is then aborted by the host itself.
 */
export async function fetchCheckpoint(
  host: RemoteHost,
  directory: string,
  say: (line: string) => void,
): Promise<string> {
  // Only its owner may look into it: checkpoints hold the memory of services.
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const partial = join(directory, `.${fileName(host.name)}-${process.pid}.partial`)
  try {
    const index = await receive(host, partial, say)
    const bundle = join(directory, `${fileName(host.name)}-${index.id}.tar`)
    await rename(partial, bundle)
    await syncDirectory(directory)
    await confirmArrival(host, index.id)
    return bundle
  } catch (error) {
    throw explained(error, directory)
  } finally {
    await rm(partial, { force: true })
  }
}

async function confirmArrival(host: RemoteHost, id: string): Promise<void> {
  try {
    const ended = await host.run('kernelswap', ['evacuation', '--received', id], { timeoutSeconds: 60 })
    if (ended.code !== 0) throw new Error(ended.stderr.trim())
  } catch (error) {
    // The jump follows at once, and may be quicker than the answer; if it wasn't the jump, the report tells.
    if (!(error instanceof ConnectionLost)) throw error
  }
}

async function receive(host: RemoteHost, file: string, say: (line: string) => void): Promise<BundleIndex> {
  const check = checkBundle()
  const timer = setInterval(progressOf(check, say), interval)
  try {
    const program = await host.start('kernelswap', ['evacuation'])
    program.stdin.end()
    // Heard below, once the stream has told what it can.
    program.ended.catch(() => {})
    try {
      await pipeline(program.stdout, copyTo(file), check.sink)
    } finally {
      program.stdout.destroy()
    }
    const ended = await program.ended
    if (ended.code !== 0) throw new Error(ended.stderr.trim().split('\n').at(-1))
    return check.finish()
  } finally {
    clearInterval(timer)
  }
}

/**
 * Passes on what it writes to a new file, and ends when that is on disk. The file is written in larger pieces: SSH brings
 * them 32 KiB at a time.
 */
function copyTo(path: string): Transform {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: bufferBytes, flush: true })
  const copy = new Transform({
    transform: (chunk: Buffer, _, done) => {
      if (file.write(chunk)) done(null, chunk)
      else file.once('drain', () => done(null, chunk))
    },
    flush: (done) => {
      file.once('close', () => done())
      file.end()
    },
    destroy: (error, done) => {
      file.destroy()
      done(error)
    },
  })
  file.once('error', (error) => copy.destroy(error))
  return copy
}

/** Says how far it is, how fast, and how long it will take. */
function progressOf(check: BundleCheck, say: (line: string) => void): () => void {
  const began = performance.now()
  return () => {
    const index = check.index()
    if (!index) return
    say(progressLine(check.done(), bytesOfBundle(index), (performance.now() - began) / 1000))
  }
}

/** A line of progress: bytes so far, bytes in all, and seconds since the first. */
export function progressLine(done: number, total: number, seconds: number): string {
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
  const rate = done / seconds
  const left = rate > 0 ? `${Math.ceil((total - done) / rate)} s left` : 'not begun'
  return `evacuate: ${mebibytes(done)} of ${mebibytes(total)} MiB, ${mebibytes(rate)} MiB/s, ${left}`
}

function explained(error: unknown, directory: string): Failure {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return new Failure(
      'failed',
      `No space left in ${directory} for the checkpoint, so the swap is aborted; free some and run it again.`,
      { cause: error },
    )
  }
  return new Failure('failed', `The checkpoint did not arrive, so the swap is aborted: ${messageOf(error)}`, {
    cause: error,
  })
}

/** A host's name as it can stand in a file's: an IPv6 address has colons, and none may lead elsewhere. */
function fileName(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]/g, '_').replace(/^\.+/, '_')
}
