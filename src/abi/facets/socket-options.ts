import { facet } from '../facet.ts'
import { byOption } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'

export const socketOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'socket-options',
  title: 'socket options: buffers, keepalive, linger, timeouts, marks, …',
  manual: 'socket(7)',
  scope: 'task',
  read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'SO_')),
  compare: bySocket(byOption((name, before) => tuned(name, before) ?? reused(name, before))),
})

/** SO_BUF_LOCK tells which buffer sizes the program set (1 send, 2 receive); the kernel tunes the others. */
function tuned(
  name: string,
  { SO_BUF_LOCK: locked = '0' }: Readonly<Record<string, string>>,
): string | undefined {
  const lock = { SO_SNDBUF: 1, SO_RCVBUF: 2 }[name]
  return lock !== undefined && (Number(locked) & lock) === 0 ? 'the kernel tunes buffer sizes' : undefined
}

/**
 * CRIU binds connections with SO_REUSEADDR and SO_REUSEPORT, so that those of one port can share it, and leaves both
 * set (criu/sk-inet.c). They matter to bind(2) alone, which a connection has behind it; others keep their own.
 */
function reused(
  name: string,
  { SO_ACCEPTCONN: listening, SO_PROTOCOL: protocol, SO_DOMAIN: domain }: Readonly<Record<string, string>>,
): string | undefined {
  const isConnection = listening === '0' && protocol === TCP && domain !== UNIX
  const moved = (name === 'SO_REUSEADDR' || name === 'SO_REUSEPORT') && isConnection
  return moved ? 'CRIU binds connections with SO_REUSEADDR and SO_REUSEPORT' : undefined
}

/** IPPROTO_TCP (include/uapi/linux/in.h) and AF_UNIX (include/linux/socket.h). */
const [TCP, UNIX] = ['6', '1']
