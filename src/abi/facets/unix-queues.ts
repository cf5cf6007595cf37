import { movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isListening, isUnix, type PerSocket } from '../sockets.ts'

export const unixQueues = facet<PerSocket<number>>({
  name: 'unix-queues',
  title: 'bytes waiting in unix sockets',
  manual: 'unix(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(
      task,
      (row) => isUnix(row) && !isListening(row),
      ({ receiveQueue }) => receiveQueue,
    ),
  compare: bySocket(movesWhenRunning('tasks that run send and receive')),
})
