import { byKey } from '../compare.ts'
import { bySocket, eachProbedSocket, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const socketSignals = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'socket-signals',
  title: 'who gets which signal when a socket is ready',
  manual: 'F_SETOWN(2const)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, ({ owner = '', signal = '' }) => ({ owner, signal })),
  compare: bySocket(byKey()),
})
