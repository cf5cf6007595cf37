import { movesWhenRunning } from '../compare.ts'
import { bySocket, eachSocket, isTcp, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const tcpStates = facet<PerSocket<string>>({
  name: 'tcp-states',
  title: 'TCP states',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) => eachSocket(task, isTcp, ({ state }) => state),
  compare: bySocket(movesWhenRunning('peers close connections')),
})
