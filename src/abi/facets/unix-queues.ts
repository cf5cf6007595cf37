import { movesWhenRunning, same } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachSocket, isInbox, isListening, isUnix, mayArrive, type PerSocket } from '../sockets.ts'
import type { Compare } from '../types.ts'

/** Of datagrams it is the first one's size: unix(7), sock_diag(7). */
type Queue = { readonly bytes: number; readonly isInbox: boolean }

const sameBytes: Compare<Queue> = (before, after, setting) =>
  same<number>()(before.bytes, after.bytes, setting)

export const unixQueues = facet<PerSocket<Queue>>({
  name: 'unix-queues',
  title: 'bytes waiting in unix sockets',
  manual: 'unix(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(
      task,
      (row) => isUnix(row) && !isListening(row),
      (row) => ({ bytes: row.receiveQueue, isInbox: isInbox(row) }),
    ),
  compare: bySocket(
    movesWhenRunning(
      'tasks that run send and receive',
      mayArrive(({ bytes, isInbox }) => bytes === 0 && isInbox, sameBytes),
    ),
  ),
})
