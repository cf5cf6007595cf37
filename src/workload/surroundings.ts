import { readFile } from 'node:fs/promises'
import { readNetwork } from '../network/addresses.ts'
import { type Missing, missingAtLanding } from '../network/reach.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type UnixSocket, unixSockets } from '../tools/unix-sockets.ts'
import { readNamespaces } from './process.ts'

/** What a workload is looked at against: the host around it. */
export interface Surroundings {
  readonly namespaces: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** Unix sockets by inode. */
  readonly unixSockets: ReadonlyMap<number, UnixSocket>
  readonly missing: Missing
}

/** Looks at the host around the workloads. */
export async function inspectSurroundings(): Promise<Surroundings> {
  const [sockets, network] = await Promise.all([unixSockets(), readNetwork()])
  return {
    namespaces: readNamespaces('self'),
    mounts: parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')),
    unixSockets: new Map(sockets.map((socket) => [socket.inode, socket])),
    missing: missingAtLanding(network),
  }
}
