import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isTcp, isUdp, isUnix, type PerSocket } from '../sockets.ts'

export const otherSockets = facet<PerSocket<string>>({
  name: 'other-sockets',
  title: 'raw, ICMP, packet, SCTP and vsock sockets',
  manual: 'sock_diag(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(
      task,
      (row) => !isTcp(row) && !isUdp(row) && !isUnix(row),
      ({ netid, state, local, peer }) => [netid, state, local, peer].join(' '),
    ),
  compare: bySocket(same()),
})
