import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const udpOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'udp-options',
  title: 'UDP options: cork, segmentation',
  manual: 'udp(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'UDP_')),
  compare: bySocket(byOption(() => undefined)),
})
