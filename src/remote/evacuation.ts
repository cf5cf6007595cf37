import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pRetry, { AbortError } from 'p-retry'
import {
  type BundleIndex,
  type BundleWriter,
  beginBundle,
  bytesOfBundle,
  parseIndex,
} from '../archive/bundle.ts'
import { syncDirectory } from '../durable.ts'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { ConnectionLost } from '../host/ssh-connection.ts'
import type { Tell } from '../swap/event.ts'
import type { RemoteHost } from './host.ts'

/** Progress is told this often, in milliseconds. */
const interval = 5000
/** What is held back for the disk at most. */
const bufferBytes = 4 * 1024 * 1024
/** How often we come again without any more having arrived, and after how many milliseconds. */
const mostInVain = 12
const retry = { retries: Number.POSITIVE_INFINITY, minTimeout: 1000, maxTimeout: 4000 }

/**
 * Tries whether a checkpoint could be kept here, before anything stands still for it; what is made for that goes again, the
 * directory apart.
 * @param bytes how large it will be, as far as that is known
 * @throws Failure 'refused' where it couldn't.
 */
export async function tryDirectory(directory: string, bytes: number): Promise<void> {
  try {
    await makeDirectory(directory)
    const trial = join(directory, `.kernelswap-${process.pid}.trial`)
    await writeFile(trial, 'x', { flag: 'wx', mode: 0o600, flush: true })
    await rm(trial)
  } catch (error) {
    throw new Failure(
      'refused',
      `No checkpoint can be kept in ${directory}: ${messageOf(error)}; nothing was begun.`,
      {
        cause: error,
      },
    )
  }
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize >= bytes) return
  const mebibytes = (count: number) => Math.ceil(count / 1024 / 1024)
  throw new Failure(
    'refused',
    `${directory} has ${mebibytes(bavail * bsize)} MiB free, and the checkpoint will need about ${mebibytes(bytes)} MiB; free some, nothing was begun.`,
  )
}

/**
 * Makes a directory and those above it, unless it is there. Only its owner may look into it: checkpoints hold the memory of
 * services. (Node's own way up never ends where a file system takes no directory, such as /proc.)
 */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    if (isErrno(error, 'EEXIST') && (await stat(directory)).isDirectory()) return
    if (!isErrno(error, 'ENOENT') || existsSync(dirname(directory))) throw error
    await makeDirectory(dirname(directory))
    await mkdir(directory, { mode: 0o700 })
  }
}

/**
 * Fetches the sealed checkpoint of a swap that waits for it, and lets the swap go on once it is on disk, whole.
 * @param directory where the bundle goes, as HOST-ID.tar; made if it is missing
 * @returns the bundle's path
 * @throws Failure where it couldn't be kept or didn't arrive; the swap is then aborted by the host itself.
 */
export async function fetchCheckpoint(host: RemoteHost, directory: string, tell: Tell): Promise<string> {
  await makeDirectory(directory)
  const partial = join(directory, `.${fileName(host.name)}-${process.pid}.partial`)
  try {
    const index = await receive(host, partial, tell)
    const bundle = join(directory, `${fileName(host.name)}-${index.id}.tar`)
    await rename(partial, bundle)
    await syncDirectory(directory)
    await confirmOrRemove(host, index.id, bundle)
    return bundle
  } catch (error) {
    throw explained(error, directory)
  } finally {
    await rm(partial, { force: true })
  }
}

/** Of a swap that was aborted nothing stays: its services went on, and the copy is of no use to them. */
async function confirmOrRemove(host: RemoteHost, id: string, bundle: string): Promise<void> {
  try {
    await confirmArrival(host, id)
  } catch (error) {
    await rm(bundle, { force: true })
    throw error
  }
}

async function confirmArrival(host: RemoteHost, id: string): Promise<void> {
  const confirm = () => host.run('kernelswap', ['evacuation', '--received', id], { timeoutSeconds: 60 })
  try {
    const ended = await confirm()
    if (ended.code !== 0) throw new Error(ended.stderr.trim())
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
    // The jump follows at once, and may be quicker than the answer. If it wasn't the jump, this is the time to say it
    // again; if that fails as well, the report tells.
    await confirm().catch(() => {})
  }
}

/** What has arrived so far. The first bytes bring the index. */
interface Arrival {
  readonly sink: Writable
  writer?: BundleWriter
}

async function receive(host: RemoteHost, path: string, tell: Tell): Promise<BundleIndex> {
  const sink = createWriteStream(path, { flags: 'wx', mode: 0o600, highWaterMark: bufferBytes, flush: true })
  // Heard by whoever writes to it next.
  sink.on('error', () => {})
  const arrival: Arrival = { sink }
  const timer = setInterval(progressOf(arrival, tell), interval)
  try {
    await pRetry(() => receiveRest(host, arrival), { ...retry, ...patienceFor(arrival, tell) })
    if (!arrival.writer) throw new Error('it did not begin')
    await arrival.writer.finish()
    return arrival.writer.index
  } finally {
    clearInterval(timer)
    sink.destroy()
  }
}

/** The host waits a minute for us to come again. What has arrived meanwhile begins the count anew. */
function patienceFor(arrival: Arrival, tell: Tell) {
  let reached = 0
  let inVain = 0
  return {
    onFailedAttempt: ({ error }: { error: Error }) =>
      tell({
        kind: 'message',
        text: `evacuate: ${messageOf(error)}; connecting again for what is missing`,
      }),
    shouldRetry: () => {
      const now = arrival.writer?.done() ?? 0
      inVain = now > reached ? 0 : inVain + 1
      reached = now
      return inVain <= mostInVain
    },
  }
}

/** Takes what comes until the stream ends. What is wrong with it, or with our disk, isn't better another time. */
async function receiveRest(host: RemoteHost, arrival: Arrival): Promise<void> {
  const from = arrival.writer ? ['--from', String(arrival.writer.done())] : []
  const program = await host.start('kernelswap', ['evacuation', ...from]).catch((error: unknown) => {
    throw error instanceof Failure ? new AbortError(error) : error
  })
  program.stdin.end()
  // Heard below, once the stream has told what it can.
  program.ended.catch(() => {})
  await pipeline(program.stdout, taker(arrival))
  const ended = await program.ended
  if (ended.code !== 0) throw new AbortError(ended.stderr.trim().split('\n').at(-1) ?? 'it failed there')
}

/**
 * Hands to the bundle what comes. A stream's consumer by `data`: an iterator would first join what has come meanwhile, a
 * copy of everything.
 */
function taker(arrival: Arrival): Writable {
  const line = new IndexLine()
  const take = async (chunk: Buffer) => {
    const piece = arrival.writer ? chunk : line.add(chunk)
    if (piece === undefined) return
    arrival.writer ??= await beginBundle(line.index(), arrival.sink)
    await arrival.writer.write(piece)
  }
  return new Writable({
    write: (chunk: Buffer, _, done) =>
      void take(chunk).then(
        () => done(),
        (error) => done(new AbortError(error)),
      ),
  })
}

/** Collects the line that comes before the contents. */
class IndexLine {
  #text = Buffer.alloc(0)

  /** What comes after the line; undefined while it isn't whole. */
  add(chunk: Buffer): Buffer | undefined {
    const end = chunk.indexOf('\n')
    this.#text = Buffer.concat([this.#text, end < 0 ? chunk : chunk.subarray(0, end)])
    return end < 0 ? undefined : chunk.subarray(end + 1)
  }

  /** @throws Failure where the line is no index. */
  index(): BundleIndex {
    return parseIndex(this.#text.toString('utf8'))
  }
}

/** Tells how far it is. */
function progressOf(arrival: Arrival, tell: Tell): () => void {
  let began: number | undefined
  return () => {
    const { writer } = arrival
    if (!writer) return
    // The host has taken a while to send the first byte, which tells nothing of the rate.
    if (began === undefined) began = performance.now()
    else {
      const seconds = (performance.now() - began) / 1000
      const of = bytesOfBundle(writer.index)
      tell({ kind: 'progress', step: 'evacuate', bytes: writer.done(), of, seconds })
    }
  }
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
