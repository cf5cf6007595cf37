/** A socket option as getsockopt(2) and setsockopt(2) name it. */
export interface SocketOption {
  readonly name: string
  readonly level: number
  readonly number: number
  /** Of its value, in bytes. */
  readonly length: number
  /** The sockets that have it; all where it is empty. */
  readonly of: '' | 'tcp' | 'udp' | 'ip' | 'ip6' | 'netlink'
  /** Where its value is the kernel's to choose, or can't be chosen: `stream` is any of those, `connection` one of TCP's. */
  readonly isKernels: '' | 'always' | 'connection' | 'stream'
}

/** Their numbers, and the lengths of those that take other than 4 bytes (include/uapi/asm-generic/socket.h, linux/in.h, …). */
type Numbers = Readonly<Record<string, number | readonly [number, number]>>

const kernels: Readonly<Record<string, SocketOption['isKernels']>> = {
  // Sizes are tuned unless a program has chosen them, and those CRIU knows (SO_BUF_LOCK).
  ...{ SO_SNDBUF: 'always', SO_RCVBUF: 'always' },
  // A clock, and a layer with a state of its own.
  ...{ TCP_TIMESTAMP: 'always', TCP_ULP: 'always' },
  // What a connection is bound with (criu/sk-inet.c) matters no more; its windows and segments are what it goes by now.
  ...{ SO_REUSEADDR: 'connection', SO_REUSEPORT: 'connection' },
  ...{ TCP_MAXSEG: 'connection', TCP_WINDOW_CLAMP: 'connection' },
  // They mean nothing there, an accepted connection gets some from elsewhere, and some are refused (net/ipv4/ip_sockglue.c).
  ...{ IP_MULTICAST_TTL: 'stream', IP_MULTICAST_LOOP: 'stream', IP_MULTICAST_ALL: 'stream' },
  ...{
    IP_MULTICAST_IF: 'stream',
    IPV6_MULTICAST_ALL: 'stream',
    IPV6_MULTICAST_IF: 'stream',
    IPV6_MULTICAST_HOPS: 'stream',
    IPV6_MULTICAST_LOOP: 'stream',
  },
}

/**
 * The options that are looked at. Those whose value moves by itself (SO_ERROR, SO_INCOMING_CPU, TCP_QUICKACK) and SO_COOKIE
 * are left out.
 */
export const socketOptions: readonly SocketOption[] = [
  ...options('SO_', 1, '', {
    ...{
      REUSEADDR: 2,
      TYPE: 3,
      DONTROUTE: 5,
      BROADCAST: 6,
      SNDBUF: 7,
      RCVBUF: 8,
      KEEPALIVE: 9,
      OOBINLINE: 10,
    },
    ...{ NO_CHECK: 11, PRIORITY: 12, LINGER: [13, 8], REUSEPORT: 15, PASSCRED: 16, RCVLOWAT: 18 },
    ...{ RCVTIMEO: [20, 16], SNDTIMEO: [21, 16], BINDTODEVICE: [25, 16], TIMESTAMP: 29, ACCEPTCONN: 30 },
    ...{ PASSSEC: 34, TIMESTAMPNS: 35, MARK: 36, TIMESTAMPING: 37, PROTOCOL: 38, DOMAIN: 39, RXQ_OVFL: 40 },
    ...{ PEEK_OFF: 42, NOFCS: 43, LOCK_FILTER: 44, SELECT_ERR_QUEUE: 45, BUSY_POLL: 46 },
    ...{ MAX_PACING_RATE: [47, 8], ZEROCOPY: 60, TXTIME: [61, 8], BUF_LOCK: 72, PREFER_BUSY_POLL: 69 },
    ...{ RESERVE_MEM: 73, TXREHASH: 74, RCVMARK: 75, PASSPIDFD: 76, RCVPRIORITY: 82, PASSRIGHTS: 83 },
  }),
  ...options('TCP_', 6, 'tcp', {
    ...{ NODELAY: 1, MAXSEG: 2, CORK: 3, KEEPIDLE: 4, KEEPINTVL: 5, KEEPCNT: 6, SYNCNT: 7, LINGER2: 8 },
    ...{
      DEFER_ACCEPT: 9,
      WINDOW_CLAMP: 10,
      CONGESTION: [13, 16],
      THIN_LINEAR_TIMEOUTS: 16,
      USER_TIMEOUT: 18,
    },
    ...{ FASTOPEN: 23, TIMESTAMP: 24, NOTSENT_LOWAT: 25, SAVE_SYN: 27, FASTOPEN_CONNECT: 30, ULP: [31, 16] },
    ...{ FASTOPEN_NO_COOKIE: 34, INQ: 36, TX_DELAY: 37, RTO_MAX_MS: 44, RTO_MIN_US: 45, DELACK_MAX_US: 46 },
  }),
  ...options('IP_', 0, 'ip', {
    ...{ TOS: 1, TTL: 2, HDRINCL: 3, RECVOPTS: 6, PKTINFO: 8, MTU_DISCOVER: 10, RECVERR: 11, RECVTTL: 12 },
    ...{ RECVTOS: 13, FREEBIND: 15, TRANSPARENT: 19, RECVORIGDSTADDR: 20, MINTTL: 21, NODEFRAG: 22 },
    ...{ BIND_ADDRESS_NO_PORT: 24, MULTICAST_TTL: 33, MULTICAST_LOOP: 34, MULTICAST_ALL: 49, UNICAST_IF: 50 },
    ...{ LOCAL_PORT_RANGE: 51, RETOPTS: 7, PASSSEC: 18, CHECKSUM: 23, RECVFRAGSIZE: 25, RECVERR_RFC4884: 26 },
    ...{ MULTICAST_IF: 32 },
  }),
  ...options('IPV6_', 41, 'ip6', {
    ...{ UNICAST_HOPS: 16, MULTICAST_IF: 17, MULTICAST_HOPS: 18, MULTICAST_LOOP: 19, MTU_DISCOVER: 23 },
    ...{
      RECVERR: 25,
      V6ONLY: 26,
      RECVPKTINFO: 49,
      RECVHOPLIMIT: 51,
      DONTFRAG: 62,
      RECVTCLASS: 66,
      TCLASS: 67,
    },
    ...{
      FLOWINFO: 11,
      MULTICAST_ALL: 29,
      RECVERR_RFC4884: 31,
      FLOWINFO_SEND: 33,
      RECVHOPOPTS: 53,
      RECVRTHDR: 56,
    },
    ...{ RECVDSTOPTS: 58, RECVPATHMTU: 60, RECVORIGDSTADDR: 74, UNICAST_IF: 76, RECVFRAGSIZE: 77 },
    ...{ AUTOFLOWLABEL: 70, ADDR_PREFERENCES: 72, MINHOPCOUNT: 73, TRANSPARENT: 75, FREEBIND: 78 },
  }),
  // Of raw sockets, by levels of their own (SOL_RAW, SOL_ICMPV6).
  ...options('IP_', 255, 'ip', { ICMP_FILTER: 1 }),
  ...options('IPV6_', 58, 'ip6', { ICMP_FILTER: [1, 32] }),
  ...options('UDP_', 17, 'udp', {
    CORK: 1,
    ENCAP: 100,
    NO_CHECK6_TX: 101,
    NO_CHECK6_RX: 102,
    SEGMENT: 103,
    GRO: 104,
  }),
  ...options('NETLINK_', 270, 'netlink', {
    ...{ PKTINFO: 3, BROADCAST_ERROR: 4, NO_ENOBUFS: 5, LISTEN_ALL_NSID: 8, LIST_MEMBERSHIPS: [9, 16] },
    ...{ CAP_ACK: 10, EXT_ACK: 11, GET_STRICT_CHK: 12 },
  }),
]

function options(prefix: string, level: number, of: SocketOption['of'], numbers: Numbers): SocketOption[] {
  return Object.entries(numbers).map(([short, numberAndLength]) => {
    const [number, length] = typeof numberAndLength === 'number' ? [numberAndLength, 4] : numberAndLength
    const name = prefix + short
    return { name, level, number, length, of, isKernels: kernels[name] ?? '' }
  })
}
