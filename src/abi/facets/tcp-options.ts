import { byKey, combine, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isTcpConnection, type PerSocket } from '../sockets.ts'

/** What the two ends agreed on when they connected; a value the socket doesn't have is `off`. */
const AGREED = ['mss', 'advmss', 'wscale', 'ts', 'sack', 'ecn', 'fastopen'] as const

type Options = Readonly<Record<string, string>>

export const tcpOptions = facet<PerSocket<Options>>({
  name: 'tcp-options',
  title:
    'TCP options agreed with the peer: segment size, window scale, timestamps, selective acknowledgement',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(task, isTcpConnection, ({ info }) =>
      Object.fromEntries(
        // pmtu isn't agreed on; it tells whether the segment size still counts.
        [...AGREED, 'pmtu'].map((name) => [name, info[name] === '' ? 'on' : (info[name] ?? 'off')]),
      ),
    ),
  compare: bySocket((before, after, setting) => {
    const moved = PASSING.filter(({ isPassing }) => isPassing(before, after))
    const passing = new Set(['pmtu', ...moved.map(({ name }) => name)])
    const lasting = (options: Options) =>
      Object.fromEntries(Object.entries(options).filter(([name]) => !passing.has(name)))
    const comparison = combine([
      ...moved.map(({ reason }) => explained(reason)),
      byKey()(lasting(before), lasting(after), setting),
    ])
    if (comparison.kind !== 'differing') return comparison
    return { ...comparison, lines: comparison.lines.map((line) => line.replace(': ', ' ')) }
  }),
})

/** Options that differ without harm. */
const PASSING: readonly {
  readonly name: string
  readonly isPassing: (before: Options, after: Options) => boolean
  readonly reason: string
}[] = [
  {
    name: 'advmss',
    isPassing: (before, after) => before.advmss !== after.advmss,
    reason: 'advmss counts while connecting alone',
  },
  {
    // What the landing's `mend` makes of it.
    name: 'wscale',
    isPassing: (before, after) => before.wscale === 'off' && after.wscale === '0,0',
    reason: 'a window that is scaled by no bit is not scaled',
  },
  {
    name: 'mss',
    // net/ipv4/tcp_output.c, tcp_current_mss: a path MTU that isn't the route's is followed at the next segment.
    isPassing: (before, after) => before.mss !== after.mss && before.pmtu !== after.pmtu,
    reason: 'the segment size follows the path MTU with the next segment that is sent',
  },
]
