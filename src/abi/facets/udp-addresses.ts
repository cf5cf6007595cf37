import { same } from '../compare.ts'
import { bySocket, eachSocket, isUdp, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const udpAddresses = facet<PerSocket<string>>({
  name: 'udp-addresses',
  title: 'UDP addresses and ports, bound and connected',
  manual: 'udp(7)',
  scope: 'task',
  read: (task) => eachSocket(task, isUdp, ({ local, peer, state }) => `${local} ${peer} ${state}`),
  compare: bySocket(same()),
})
