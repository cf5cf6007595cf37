import { mayDiffer } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isTcpConnection, type PerSocket } from '../sockets.ts'

const COUNTERS = ['cwnd', 'ssthresh', 'rto', 'rtt', 'bytes_sent', 'bytes_received', 'segs_out', 'segs_in']

export const tcpCounters = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'tcp-counters',
  title: 'TCP congestion window, round trip times and byte counts',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(task, isTcpConnection, ({ info }) =>
      Object.fromEntries(COUNTERS.map((name) => [name, info[name] ?? ''])),
    ),
  compare: bySocket(mayDiffer('a restored connection measures its path anew')),
})
