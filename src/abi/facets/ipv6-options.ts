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
  // What is connected, other facets compare.
  compare: bySocket(({ connected: was, ...before }, { connected: _, ...after }, setting) =>
    byOption((name) => onStream(name, before) ?? bound(name, was === 'true'))(before, after, setting),
  ),
})

/** CRIU binds connections with it (criu/sk-inet.c), and it can't be changed afterwards. */
function bound(name: string, isConnected: boolean): string | undefined {
  return name === 'IPV6_V6ONLY' && isConnected
    ? 'IPV6_V6ONLY matters to bind(2), which a connected socket has behind it'
    : undefined
}
