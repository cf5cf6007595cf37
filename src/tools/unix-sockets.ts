import { run } from '../host/local.ts'

/** One end of a unix socket pair, or a listener. */
export interface UnixSocket {
  readonly type: 'stream' | 'datagram' | 'seqpacket'
  readonly inode: number
  /** Its own name, '' where it has none. */
  readonly path: string
  /** The other end, 0 where there is none. */
  readonly peer: number
}

/** Every unix socket of the running network namespace; ss(8) asks the kernel (sock_diag(7)). */
export async function unixSockets(): Promise<UnixSocket[]> {
  return parseUnixSockets((await run('ss', ['--unix', '--all', '--numeric', '--no-header'])).stdout)
}

const types: Record<string, UnixSocket['type']> = {
  u_str: 'stream',
  u_dgr: 'datagram',
  u_seq: 'seqpacket',
}

/** Parses `ss -xanH`: type, state, two queues, name, inode, `*`, peer inode. */
export function parseUnixSockets(text: string): UnixSocket[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(u_\w+)\s+\S+\s+\d+\s+\d+\s+(.*)\s+(\d+)\s+\S+\s+(\d+)\s*$/.exec(line)
    const type = match && types[match[1]!]
    if (!type) return []
    const path = match[2]!.trim()
    return [{ type, path: path === '*' ? '' : path, inode: Number(match[3]), peer: Number(match[4]) }]
  })
}
