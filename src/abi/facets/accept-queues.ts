import { movesWhenRunning } from '../compare.ts'
import { bySocket, eachSocket, isListening, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const acceptQueues = facet<PerSocket<number>>({
  name: 'accept-queues',
  title: 'connections that wait to be accepted',
  manual: 'accept(2)',
  scope: 'task',
  read: (task) => eachSocket(task, isListening, ({ receiveQueue }) => receiveQueue),
  compare: bySocket(movesWhenRunning('tasks that run accept connections')),
})
