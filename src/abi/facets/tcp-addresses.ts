import { same } from '../compare.ts'
import { bySocket, eachSocket, isTcp, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const tcpAddresses = facet<PerSocket<string>>({
  name: 'tcp-addresses',
  title: 'TCP addresses and ports',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) => eachSocket(task, isTcp, ({ local, peer }) => `${local} ${peer}`),
  compare: bySocket(same()),
})
