import { byKey, combine, explained } from '../compare.ts'
import { bySocket, eachSocket, isListening, isTcp, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

/** What the two ends agreed on when they connected; a value the socket doesn't have is `off`. */
const AGREED = ['mss', 'advmss', 'wscale', 'ts', 'sack', 'ecn', 'fastopen'] as const

export const tcpOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'tcp-options',
  title:
    'TCP options agreed with the peer: segment size, window scale, timestamps, selective acknowledgement',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(
      task,
      (row) => isTcp(row) && !isListening(row),
      ({ info }) =>
        Object.fromEntries(AGREED.map((name) => [name, info[name] === '' ? 'on' : (info[name] ?? 'off')])),
    ),
  compare: bySocket((before, after, setting) => {
    const advertised =
      before.advmss === after.advmss ? [] : [explained('advmss counts while connecting alone')]
    const lasting = ({ advmss: _, ...rest }: Readonly<Record<string, string>>) => rest
    const comparison = combine([...advertised, byKey()(lasting(before), lasting(after), setting)])
    if (comparison.kind !== 'differing') return comparison
    return { ...comparison, lines: comparison.lines.map((line) => line.replace(': ', ' ')) }
  }),
})
