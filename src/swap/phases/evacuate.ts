import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { hostname } from 'node:os'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  type BundleFile,
  type BundleIndex,
  type BundleSocket,
  bytesOfBundle,
  contentsOf,
} from '../../archive/bundle.ts'

import { manifestName, manifestNames } from '../../archive/manifest.ts'
import { Failure, messageOf } from '../../errors.ts'
import { readRequest, serveInTurn } from '../../host/socket.ts'
import { paths } from '../../paths.ts'
import { type InetSocket, tcpListen } from '../../proc/inet-sockets.ts'
import { sha256sum } from '../../tools/checksum.ts'
import { preserved } from '../plan.ts'
import type { Step, SwapContext } from '../step.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { socketsOf, tasksOf } from '../tasks.ts'

/** Where the sealed checkpoint is fetched (`kernelswap evacuation`); only root may enter its directory. */
export const evacuationSocket = join(paths.run, 'evacuation.sock')

/** What `kernelswap evacuation` asks for: the index and all contents, contents from a byte on, or that it be over. */
export const requests = {
  all: () => 'send\n',
  rest: (from: number) => `send ${from}\n`,
  /** The checkpoint of this swap has arrived, whole. */
  received: (id: string) => `received ${id}\n`,
} as const

/**
 * The services stand still: whoever doesn't come, or not again, or gets stuck, is not waited for longer than this, in
 * seconds.
 */
const fetchSeconds = 60
/** Whoever comes again and again and gets no further is not served more often than this. */
const mostInVain = 5

/** Hands the sealed checkpoint to whoever evacuates it, and goes on when it has arrived. Nothing has to be taken back. */
export const evacuate: Step = {
  name: 'evacuate',
  isAsked: ({ evacuate: asked }) => asked === true,
  do: ({ swap }: SwapContext) => handOver(swap),
}

async function handOver(swap: Swap): Promise<void> {
  try {
    await serveBundle(await indexOf(swap), (name) => locate(swap, name))
  } catch (error) {
    throw new Failure(
      'failed',
      `The checkpoint could not be evacuated: ${messageOf(error)}; nothing was swapped, run it again.`,
      { cause: error },
    )
  }
}

/**
 * Sends a bundle's contents to whoever connects, from where they got to the time before, until they say that all of it has
 * arrived. That is a call of its own: that the stream has ended doesn't say that all of it is on a disk there.
 * @throws Error where nobody comes in time, or nobody gets any further.
 */
export async function serveBundle(
  index: BundleIndex,
  locateFile: (name: string) => string,
  patienceSeconds = fetchSeconds,
): Promise<void> {
  let reached = 0
  let inVain = 0
  const serve = async (socket: Socket): Promise<'received' | 'in vain' | undefined> => {
    inVain += 1
    const isLast = inVain > mostInVain
    const stuck = () => socket.destroy(new Error(`its stream stood still for ${patienceSeconds} s`))
    socket.setTimeout(patienceSeconds * 1000, stuck)
    const request = await readRequest(socket).catch((error: unknown) => {
      if (isLast) return undefined
      throw error
    })
    if (request === requests.received(index.id)) return 'received'
    if (isLast || request === undefined) return 'in vain'
    const from = readFrom(request, index)
    if (from > reached) inVain = 0
    reached = from
    await pipeline(streamOf(index, locateFile, from, request === requests.all()), socket)
    return undefined
  }
  if ((await serveInTurn(evacuationSocket, serve, patienceSeconds)) === 'in vain')
    throw new Error(`its stream broke ${mostInVain} times, and nothing arrived`)
}

function readFrom(request: string, index: BundleIndex): number {
  if (request === requests.all()) return 0
  const from = Number(/^send (\d+)\n$/.exec(request)?.[1] ?? Number.NaN)
  if (from <= bytesOfBundle(index)) return from
  throw new Error('something else than its receipt came back')
}

/** The index is a line, and comes before the contents. */
async function* streamOf(
  index: BundleIndex,
  locateFile: (name: string) => string,
  from: number,
  withIndex: boolean,
): AsyncGenerator<Buffer> {
  if (withIndex) yield Buffer.from(`${JSON.stringify(index)}\n`)
  yield* contentsOf(index, locateFile, from)
}

/** What is evacuated: plan, landing and checkpoints, all that another kernel needs to restore them. */
async function indexOf(swap: Swap): Promise<BundleIndex> {
  const { id, plan } = swap
  const units = preserved(plan).map(({ unit }) => unit)
  const landing = await filesBelow(paths.landing)
  const small = ['plan.json', ...landing.map((name) => join('landing', name))]
  const files = [
    ...(await Promise.all(small.map((name) => describe(swap, name)))),
    ...(await Promise.all(units.map((unit) => checkpointFiles(swap, unit)))).flat(),
  ]
  const sockets = bundleSockets(await socketsOf(await tasksOf(plan)))
  return { schema: 'kernelswap.bundle/2', id, host: hostname(), kernel: plan.kernel, units, sockets, files }
}

/** Connections that one listener accepted share its port: each place is named once. */
export function bundleSockets(sockets: readonly InetSocket[]): BundleSocket[] {
  const places = sockets.map(({ protocol, localAddress, localPort, state }): BundleSocket => {
    return { protocol, address: localAddress, port: localPort, listens: state === tcpListen }
  })
  return [...new Map(places.map((place) => [JSON.stringify(place), place])).values()]
}

/** What the seal names, with digests that tell more than its checksums: a bundle goes elsewhere, and may lie there for long. */
async function checkpointFiles(swap: Swap, unit: string): Promise<BundleFile[]> {
  const checkpoint = checkpointDirectory(swap, unit)
  const directory = relative(swap.directory, checkpoint)
  const names = [manifestName, ...(await manifestNames(checkpoint))]
  const digests = await sha256sum(checkpoint, names)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(checkpoint, name))).size))
  return names.map((name, at) => ({
    name: join(directory, name),
    bytes: sizes[at]!,
    sha256: digests[at]!,
  }))
}

async function describe(swap: Swap, name: string): Promise<BundleFile> {
  const content = await readFile(locate(swap, name))
  return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}

function locate(swap: Swap, name: string): string {
  return name.startsWith('landing/')
    ? join(paths.landing, name.slice('landing/'.length))
    : join(swap.directory, name)
}

/** Regular files; the landing's link to the swap leads to where a bundle is unpacked. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()
}
