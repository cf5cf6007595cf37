import { type InetSocket, tcpEstablished } from '../proc/inet-sockets.ts'
import type { TaskTree } from './task-tree.ts'

/**
 * Connections of workloads to others of this host that don't come along: the other end is gone after the jump, and whoever
 * sends next is reset.
 * @param carried workloads that come along
 * @param all sockets of the host's network
 * @returns a sentence for each place that is connected to, by unit
 */
export function lostPeers(
  carried: readonly Pick<TaskTree, 'unit' | 'inetSockets'>[],
  all: readonly InetSocket[],
): ReadonlyMap<string, readonly string[]> {
  const ends = new Map(all.filter(isEstablished).map((socket) => [nameOf(socket), socket]))
  const own = new Set(carried.flatMap(({ inetSockets }) => inetSockets.map(({ inode }) => inode)))
  return new Map(
    carried.map(({ unit, inetSockets }) => {
      const lost = inetSockets.filter(isEstablished).filter((socket) => {
        const other = ends.get(nameOf(turned(socket)))
        return other !== undefined && !own.has(other.inode)
      })
      const places = lost.map(({ remoteAddress, remotePort }) => `${plain(remoteAddress)} port ${remotePort}`)
      return [
        unit,
        [...new Set(places)].map((place) => `loses its connection to ${place}, which stays behind`),
      ]
    }),
  )
}

function isEstablished({ protocol, state }: InetSocket): boolean {
  return protocol === 'tcp' && state === tcpEstablished
}

/** The same connection as the other end has it. */
function turned(socket: InetSocket): InetSocket {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  return {
    ...socket,
    ...{ localAddress: remoteAddress, localPort: remotePort },
    ...{ remoteAddress: localAddress, remotePort: localPort },
  }
}

function nameOf({ localAddress, localPort, remoteAddress, remotePort }: InetSocket): string {
  return `${plain(localAddress)} ${localPort} ${plain(remoteAddress)} ${remotePort}`
}

/** An IPv6 socket shows an IPv4 address as a mapped one (ipv6(7)). */
function plain(address: string): string {
  const [, high, low] = /^0:0:0:0:0:ffff:([\da-f]+):([\da-f]+)$/.exec(address) ?? []
  if (high === undefined || low === undefined) return address
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [first >> 8, first & 255, second >> 8, second & 255].join('.')
}
