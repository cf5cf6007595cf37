import { fields, movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isTcpConnection, type PerSocket } from '../sockets.ts'

const RUNNING = 'tasks that run send and receive'

type Queues = { readonly received: number; readonly unacknowledged: number }

export const tcpQueues = facet<PerSocket<Queues>>({
  name: 'tcp-queues',
  title: 'bytes waiting in TCP queues',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(task, isTcpConnection, ({ receiveQueue, sendQueue }) => ({
      received: receiveQueue,
      unacknowledged: sendQueue,
    })),
  compare: bySocket(
    fields<Queues>({ received: movesWhenRunning(RUNNING), unacknowledged: movesWhenRunning(RUNNING) }),
  ),
})
