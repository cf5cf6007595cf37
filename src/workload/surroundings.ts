import { readFile } from 'node:fs/promises'
import { readNetwork } from '../network/addresses.ts'
import { type Missing, missingAtLanding } from '../network/reach.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { listenersOfSockets } from '../tools/systemd.ts'
import { type UnixSocket, unixSockets } from '../tools/unix-sockets.ts'
import { readNamespaces } from './process.ts'

/** What the host has in its file system. */
export interface HostFiles {
  readonly mounts: readonly Mount[]
  /** Unix sockets by inode. */
  readonly unixSockets: ReadonlyMap<number, UnixSocket>
}

/** What a workload is looked at against: the host around it. */
export interface Surroundings extends HostFiles {
  readonly namespaces: Readonly<Record<string, string>>
  /** Socket units by the paths that they listen at. */
  readonly socketUnits: ReadonlyMap<string, string>
  readonly missing: Missing
}

/** Looks at the host around the workloads. */
export async function inspectSurroundings(): Promise<Surroundings> {
  const [files, network, socketUnits] = await Promise.all([
    inspectHostFiles(),
    readNetwork(),
    listenersOfSockets(),
  ])
  return { ...files, namespaces: readNamespaces('self'), socketUnits, missing: missingAtLanding(network) }
}

/** The same of its files alone, for when workloads stand still. */
export async function inspectHostFiles(): Promise<HostFiles> {
  const [sockets, mounts] = await Promise.all([unixSockets(), readFile('/proc/self/mountinfo', 'utf8')])
  return {
    mounts: parseMountinfo(mounts),
    unixSockets: new Map(sockets.map((socket) => [socket.inode, socket])),
  }
}
