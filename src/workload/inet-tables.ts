import { readFileSync, readlinkSync } from 'node:fs'
import { ifEnded, ifMissing } from '../errors.ts'
import { socketInodes } from '../proc/descriptors.ts'
import { type InetSocket, parseInetSockets } from '../proc/inet-sockets.ts'

/** The kernel's tables of TCP and UDP sockets, each network namespace's read once. */
export class InetTables {
  readonly #byNamespace = new Map<string, ReadonlyMap<number, InetSocket>>()

  /** The sockets that processes hold, of the network namespaces that they are in. */
  heldBy(pids: readonly number[]): InetSocket[] {
    const inodes = new Set(pids.flatMap(socketInodes))
    if (inodes.size === 0) return []
    const tables = new Set(pids.flatMap((pid) => this.#tableOf(pid) ?? []))
    return [...tables].flatMap((table) => [...inodes].flatMap((inode) => table.get(inode) ?? []))
  }

  /** Undefined for a process that has ended. */
  #tableOf(pid: number): ReadonlyMap<number, InetSocket> | undefined {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/net`)
      const known = this.#byNamespace.get(namespace)
      if (known) return known
      const table = new Map(inetSockets(pid).map((socket) => [socket.inode, socket]))
      this.#byNamespace.set(namespace, table)
      return table
    } catch (error) {
      return ifEnded(undefined)(error)
    }
  }
}

/**
 * Every TCP and UDP socket of a process's network namespace.
 * @throws Error where the kernel doesn't show them: no sockets would mean that no port has to be held.
 */
export function inetSockets(pid: number): InetSocket[] {
  const read = (file: string) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8')
  const readIpv6 = (file: string) => {
    try {
      return read(file)
    } catch (error) {
      // A kernel without IPv6 has none.
      return ifMissing('')(error)
    }
  }
  return [
    ...parseInetSockets(read('tcp'), 'tcp', 4),
    ...parseInetSockets(read('udp'), 'udp', 4),
    ...parseInetSockets(readIpv6('tcp6'), 'tcp', 6),
    ...parseInetSockets(readIpv6('udp6'), 'udp', 6),
  ]
}
