/** One line of /proc/PID/net/{tcp,tcp6,udp,udp6}. */
export interface InetSocket {
  readonly protocol: 'tcp' | 'udp'
  readonly family: 4 | 6
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** As in include/net/tcp_states.h: 1 established, 10 listening. */
  readonly state: number
  readonly inode: number
}

export const tcpEstablished = 1
export const tcpListen = 10

/** Parses one of the socket tables of /proc/PID/net (proc_pid_net(5)). */
export function parseInetSockets(text: string, protocol: 'tcp' | 'udp', family: 4 | 6): InetSocket[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      const [localAddress, localPort] = parseEndpoint(local)
      const [remoteAddress, remotePort] = parseEndpoint(remote)
      return {
        protocol,
        family,
        localAddress,
        localPort,
        remoteAddress,
        remotePort,
        state: Number.parseInt(state, 16),
        inode: Number(inode),
      }
    })
}

function parseEndpoint(text: string): [address: string, port: number] {
  const [address = '', port = ''] = text.split(':')
  const bytes = Buffer.from(address, 'hex')
  // The kernel prints each 32-bit word in the machine's byte order, little-endian here.
  bytes.swap32()
  return [bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes), Number.parseInt(port, 16)]
}

function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  return groups.join(':')
}
