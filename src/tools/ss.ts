import { run } from '../host/local.ts'

/** One socket as sock_diag(7) shows it through ss(8). */
export interface SocketRow {
  /** `tcp`, `udp`, `raw`, `u_str`, `u_dgr`, `u_seq`, `nl`, `p_raw`, `p_dgr`, `icmp6`, `v_str` … */
  readonly netid: string
  /** `ESTAB`, `LISTEN`, `UNCONN`, `CLOSE-WAIT` … */
  readonly state: string
  /** Bytes waiting to be read; connections waiting for accept(2) where it listens. */
  readonly receiveQueue: number
  /** Bytes not yet acknowledged; the backlog where it listens. */
  readonly sendQueue: number
  readonly local: string
  readonly peer: string
  readonly inode: number
  /** Inode of a unix socket's other end, 0 where there is none. */
  readonly peerInode: number
  /** What `-i` adds: `ts`, `sack`, `cubic` as keys without value, `mss:1448` with. */
  readonly info: Readonly<Record<string, string>>
}

const FLAGS = ['--no-header', '--oneline', '--numeric', '--all', '--extended', '--info', '--query=all']

/**
 * Every socket of a network namespace. Doesn't look for the processes that hold them (`-p` would read the
 * whole of /proc): callers know the inode from /proc/PID/fd.
 * @param namespace path of the network namespace, such as /proc/1/ns/net; the running one if left out
 * @throws ProgramError if ss or nsenter can't be run.
 */
export async function socketRows(namespace?: string): Promise<readonly SocketRow[]> {
  if (namespace === undefined) return parseSocketRows((await run('ss', FLAGS)).stdout)
  return parseSocketRows((await run('nsenter', [`--net=${namespace}`, 'ss', ...FLAGS])).stdout)
}

/** Parses `ss -HOnaei -A all`; sockets that no descriptor holds (inode 0, time-wait) stay in. */
export function parseSocketRows(text: string): readonly SocketRow[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return []
    return [line.startsWith('u_') ? unixRow(line) : inetRow(line)].filter((row) => row !== undefined)
  })
}

function inetRow(line: string): SocketRow | undefined {
  const match = /^(\S+)\s+(\S+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line)
  if (!match) return undefined
  const [, netid = '', state = '', receive, send, local = '', peer = '', rest = ''] = match
  const info = parseInfo(rest)
  return {
    netid,
    state,
    receiveQueue: Number(receive),
    sendQueue: Number(send),
    local,
    peer,
    inode: Number(info.ino ?? 0),
    peerInode: 0,
    info,
  }
}

/** A unix socket's own name may hold blanks; the columns end with inode, peer name and peer inode. */
function unixRow(line: string): SocketRow | undefined {
  const match = /^(\S+)\s+(\S+)\s+(\d+)\s+(\d+)\s+(.*?)\s+(\d+)\s+(\*|\S+)\s+(\d+)(?:\s+(.*))?$/.exec(line)
  if (!match) return undefined
  const [, netid = '', state = '', receive, send, local = '', inode, peer = '', peerInode, rest = ''] = match
  return {
    netid,
    state,
    receiveQueue: Number(receive),
    sendQueue: Number(send),
    local: local === '*' ? '' : local,
    peer: peer === '*' ? '' : peer,
    inode: Number(inode),
    peerInode: Number(peerInode),
    info: parseInfo(rest),
  }
}

/** Words of the tail; `bbr:(a,b)` keeps what is in parentheses, `send 192bps` becomes two keys without value. */
function parseInfo(text: string): Record<string, string> {
  const info: Record<string, string> = {}
  for (const word of text.split(/\s+/)) {
    const colon = word.indexOf(':')
    const key = colon < 0 ? word : word.slice(0, colon)
    if (key !== '' && !(key in info)) info[key] = colon < 0 ? '' : word.slice(colon + 1)
  }
  return info
}
