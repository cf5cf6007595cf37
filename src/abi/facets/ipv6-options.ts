import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'
import { facet } from '../types.ts'

export const ipv6Options = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'ipv6-options',
  title: 'IPv6 socket options: v6only, hop limits, multicast, …',
  manual: 'ipv6(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'IPV6_')),
  compare: bySocket(byOption(() => undefined)),
})
