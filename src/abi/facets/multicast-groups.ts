import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { bySocket, eachProbedSocket, type PerSocket } from '../sockets.ts'

export const multicastGroups = facet<PerSocket<string>>({
  name: 'multicast-groups',
  title: 'multicast groups joined, on which interface, with source filters',
  manual: 'ip(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, ({ groups }) => groups?.split(' ').sort().join(' ')),
  compare: bySocket(same()),
})
