import { facet } from '../facet.ts'
import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'

export const ipOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'ip-options',
  title: 'IPv4 socket options: type of service, time to live, multicast, …',
  manual: 'ip(7)',
  scope: 'task',
  read: (task) =>
    eachProbedSocket(task, (answers) => ({ ...optionsOf(answers, 'IP_'), SO_TYPE: answers.SO_TYPE ?? '' })),
  compare: bySocket(byOption(unused)),
})

/** An accepted connection takes these from its listener, and nothing on a stream uses them. */
function unused(name: string, { SO_TYPE: type }: Readonly<Record<string, string>>): string | undefined {
  return name.startsWith('IP_MULTICAST_') && type === STREAM
    ? 'multicast options mean nothing to a stream'
    : undefined
}

/** SOCK_STREAM (include/linux/net.h). */
const STREAM = '1'
