import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachProbedSocket, type PerSocket } from '../sockets.ts'

export const tcpCongestion = facet<PerSocket<string>>({
  name: 'tcp-congestion',
  title: 'TCP congestion control',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) =>
    eachProbedSocket(task, ({ TCP_CONGESTION: name }) =>
      name === undefined ? undefined : Buffer.from(name, 'hex').toString().replace(/\0.*$/, ''),
    ),
  compare: bySocket(same()),
})
