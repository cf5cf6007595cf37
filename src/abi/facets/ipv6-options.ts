import { facet } from '../facet.ts'
import { byOption, onStream } from '../options.ts'
import { bySocket, eachProbedSocket, isConnected, optionsOf, type PerSocket } from '../sockets.ts'

export const ipv6Options = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'ipv6-options',
  title: 'IPv6 socket options: v6only, hop limits, multicast, …',
  manual: 'ipv6(7)',
  scope: 'task',
  read: (task) =>
    eachProbedSocket(task, (answers, row) => ({
      ...optionsOf(answers, 'IPV6_'),
      SO_TYPE: answers.SO_TYPE ?? '',
      connected: String(row !== undefined && isConnected(row)),
    })),
  compare: bySocket(byOption((name, before) => onStream(name, before) ?? bound(name, before))),
})

/** CRIU binds connections with it (criu/sk-inet.c), and it can't be changed afterwards. */
function bound(name: string, { connected }: Readonly<Record<string, string>>): string | undefined {
  return name === 'IPV6_V6ONLY' && connected === 'true'
    ? 'IPV6_V6ONLY matters to bind(2), which a connected socket has behind it'
    : undefined
}
