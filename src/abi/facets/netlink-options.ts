import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const netlinkOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'netlink-options',
  title: 'netlink options and group memberships',
  manual: 'netlink(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'NETLINK_')),
  compare: bySocket(byOption(() => undefined)),
})
