import { movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isUdp, mayArrive, type PerSocket } from '../sockets.ts'

/** The kernel counts whole buffers here, whose size differs between releases: what counts is whether any wait. */
export const udpQueues = facet<PerSocket<boolean>>({
  name: 'udp-queues',
  title: 'datagrams waiting in UDP queues',
  manual: 'udp(7)',
  scope: 'task',
  read: (task) => eachSocket(task, isUdp, ({ receiveQueue }) => receiveQueue > 0),
  compare: bySocket(
    movesWhenRunning(
      'tasks that run receive datagrams',
      mayArrive((waits) => !waits),
    ),
  ),
})
