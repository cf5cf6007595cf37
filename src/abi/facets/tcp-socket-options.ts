import { facet } from '../facet.ts'
import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'

export const tcpSocketOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'tcp-socket-options',
  title: 'TCP options set by the program: nodelay, keepalive times, user timeout, …',
  manual: 'tcp(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, chosen),
  compare: bySocket(byOption(moves)),
})

/** A connected socket's TCP_MAXSEG is the current segment size, which tcp-options compares. */
function chosen(answers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { TCP_CONGESTION: _, TCP_MAXSEG: segment, ...options } = optionsOf(answers, 'TCP_')
  return answers.SO_ACCEPTCONN === '1' && segment !== undefined
    ? { ...options, TCP_MAXSEG: segment }
    : options
}

function moves(name: string): string | undefined {
  if (name === 'TCP_TIMESTAMP') return 'a clock goes on'
  if (name === 'TCP_WINDOW_CLAMP') return 'the kernel tunes windows'
  return undefined
}
