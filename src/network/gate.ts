import type { InetSocket } from '../proc/inet-sockets.ts'
import { deleteTable, loadRules } from '../tools/nft.ts'

const table = 'kernelswap'
/** The longest segment without data: 40 bytes of IPv6 and 60 of TCP. A few bytes of data more than none would do no harm. */
const bareBytes = 100

/**
 * What peers hear of a held packet. `unreachable` is for the landing: each such message takes back one doubling of
 * the peer's retransmission timer (RFC 6069, section 3), so that it tries again soon after the gate opens. Linux hears
 * "no route" alone for IPv6 (net/ipv6/tcp_ipv6.c, tcp_v6_err), which IPv4 calls "network unreachable". It goes to
 * established connections only; it would end an attempt to connect.
 */
export type GateAnswer = 'silence' | 'unreachable'

/**
 * The rules that hold every packet of the given sockets, so that no peer hears RST while they are away.
 *
 * They go by local port alone: a listener, the connections it accepted and an outgoing connection are all known by
 * it, and what else may share the port waits for the same few seconds. In silence what has been taken is acknowledged: the
 * kernel puts that off for up to 0.2 s (tcp(7), TCP_QUICKACK), and a peer that doesn't hear of it repeats a segment that
 * nobody can name afterwards, since the one told of is the next (RFC 6069 asks for the oldest). CRIU's own packets carry mark 0xC114
 * (criu, soccr/soccr.h). Priority -300 is before connection tracking (nft(8)).
 */
export function gateRules(
  sockets: readonly Pick<InetSocket, 'protocol' | 'localPort'>[],
  answer: GateAnswer = 'silence',
): string {
  const ports = (protocol: InetSocket['protocol']) =>
    [
      ...new Set(sockets.filter((socket) => socket.protocol === protocol).map(({ localPort }) => localPort)),
    ].sort((a, b) => a - b)
  const rules = (direction: 'dport' | 'sport') =>
    (['tcp', 'udp'] as const)
      .filter((protocol) => ports(protocol).length > 0)
      .map((protocol) => `    ${protocol} ${direction} { ${ports(protocol).join(', ')} } drop`)
  const tcp = ports('tcp').join(', ')
  const unreachable =
    tcp === ''
      ? []
      : [`    tcp dport { ${tcp} } tcp flags & (fin|syn|rst|ack) == ack reject with icmpx type no-route`]
  const taken =
    tcp === '' || answer === 'unreachable'
      ? []
      : [
          `    tcp sport { ${tcp} } tcp flags & (fin|syn|rst|psh|ack) == ack meta length <= ${bareBytes} accept`,
        ]
  return [
    // Declared before it is deleted, so that loading the rules twice is no error.
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  chain input {',
    '    type filter hook input priority -300; policy accept;',
    '    meta mark 0xc114 accept',
    ...(answer === 'unreachable' ? unreachable : []),
    ...rules('dport'),
    '  }',
    '  chain output {',
    '    type filter hook output priority -300; policy accept;',
    '    meta mark 0xc114 accept',
    ...taken,
    ...rules('sport'),
    '  }',
    '}',
    '',
  ].join('\n')
}

/**
 * The TCP sockets that a gate of others lets by: what their peers sent meanwhile was taken, and is in no checkpoint. A port
 * that was closed is held for nothing, and datagrams may be lost.
 */
export function letBy<T extends Pick<InetSocket, 'protocol' | 'localPort'>>(
  gated: readonly Pick<InetSocket, 'protocol' | 'localPort'>[],
  sockets: readonly T[],
): T[] {
  const ports = new Set(gated.filter(({ protocol }) => protocol === 'tcp').map(({ localPort }) => localPort))
  return sockets.filter(({ protocol, localPort }) => protocol === 'tcp' && !ports.has(localPort))
}

export async function raiseGate(rules: string): Promise<void> {
  await loadRules(rules)
}

/** Lets the packets through again; no error where no gate is up. */
export async function openGate(): Promise<void> {
  await deleteTable('inet', table)
}
