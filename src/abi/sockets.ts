import type { SocketRow } from '../tools/ss.ts'
import { ARRIVAL } from './arrived.ts'
import { byCommonKey, explained, isSame, same } from './compare.ts'
import type { TaskReader } from './readers.ts'
import { type Compare, type Json, Unreadable } from './types.ts'

/** What a facet says of each socket, under the number of its first descriptor. */
export type PerSocket<V extends Json> = Readonly<Record<string, { readonly label: string; readonly is: V }>>

/** Reads something of each socket of a protocol that this task is the first to hold. */
export function eachSocket<V extends Json>(
  task: TaskReader,
  wanted: (row: SocketRow) => boolean,
  read: (row: SocketRow, fd: number) => V,
): PerSocket<V> {
  return Object.fromEntries(
    task.workload
      .socketsOf(task)
      .filter(({ row }) => wanted(row))
      .map(({ fd, row }) => [String(fd), { label: labelOf(row), is: read(row, fd) }]),
  )
}

/** Reads something the probe knows of each socket; ss need not know the socket. */
export function eachProbedSocket<V extends Json>(
  task: TaskReader,
  read: (answers: Readonly<Record<string, string>>, row: SocketRow | undefined) => V | undefined,
): PerSocket<V> {
  const found: Record<string, { label: string; is: V }> = {}
  for (const { fd, inode } of task.workload.firstHeld(task, 'socket')) {
    const row = task.workload.socket(inode)
    const is = read(task.probed('socket', fd), row)
    if (is !== undefined) found[String(fd)] = { label: row ? labelOf(row) : 'socket', is }
  }
  return found
}

/** Compares socket by socket, those that both sides have: the facet `socket-kinds` reports the others. */
export function bySocket<V extends Json>(item: Compare<V>): Compare<PerSocket<V>> {
  return byCommonKey<{ readonly label: string; readonly is: V }>(
    (fd, { label }) => `fd ${fd} ${label}`,
    (before, after, setting) => item(before.is, after.is, setting),
  )
}

/** `TCP 10.0.0.2:6379→10.0.0.1:59762`, `UDP 127.0.0.1:53`, `unix /run/x`. */
export function labelOf(row: SocketRow): string {
  if (isUnix(row)) return row.local === '' ? 'unix socket' : `unix ${row.local}`
  const peer = isConnected(row) ? `→${row.peer}` : ''
  return `${row.netid.toUpperCase()} ${row.local}${peer}`
}

/** True for a socket with a peer, whether a connection or not. */
export function isConnected(row: SocketRow): boolean {
  return !row.peer.endsWith('*')
}

/** True for a socket that waits for connections, which a service doesn't close while it runs. */
export function isListening(row: SocketRow): boolean {
  return row.state === 'LISTEN'
}

export function isTcp(row: SocketRow): boolean {
  return row.netid === 'tcp' || row.netid === 'mptcp'
}

/** True for one end of a TCP connection, whatever its state. */
export function isTcpConnection(row: SocketRow): boolean {
  return isTcp(row) && !isListening(row)
}

export function isUdp(row: SocketRow): boolean {
  return row.netid === 'udp'
}

export function isUnix(row: SocketRow): boolean {
  return row.netid.startsWith('u_')
}

/** True for a socket that others than who made it can send to, whatever it is connected to. */
export function isInbox(row: SocketRow): boolean {
  if (isUnix(row)) return row.netid === 'u_dgr' && row.local !== ''
  return !isTcp(row) && !['v_str', 'v_seq', 'sctp'].includes(row.netid)
}

/**
 * Must match, but for what came while the tasks were held, which send nothing themselves then, and where nothing waited
 * before: what did must be there still.
 */
export function mayArrive<V extends Json>(
  isEmptyInbox: (value: V) => boolean,
  otherwise: Compare<V> = same(),
): Compare<V> {
  return (before, after, setting) =>
    isEmptyInbox(before) && !isSame(before, after) ? explained(ARRIVAL) : otherwise(before, after, setting)
}

/** Options that the probe read, by their prefix (`TCP_`). */
export function optionsOf(
  answers: Readonly<Record<string, string>>,
  prefix: string,
): Readonly<Record<string, string>> {
  const options = Object.entries(answers).filter(([name]) => name.startsWith(prefix))
  if (prefix === 'SO_' && options.length === 0) throw new Unreadable('getsockopt(2) refused every option')
  return Object.fromEntries(options)
}
