/** One line of /proc/PID/net/netlink. */
export interface NetlinkSocket {
  /** Number of the protocol, as NETLINK_ROUTE = 0: netlink(7). */
  readonly family: string
  /** Its address, often the PID. */
  readonly port: string
  /** Mask of the first 32 multicast groups, hexadecimal. */
  readonly groups: string
  readonly inode: number
}

/** Parses /proc/PID/net/netlink: `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`. */
export function parseNetlinkSockets(text: string): readonly NetlinkSocket[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [, family = '', port = '', groups = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      return { family, port, groups, inode: Number(inode) }
    })
}
