import type { Obstacle, ObstacleCode } from './obstacle.ts'

/** What CRIU says, what it means, and what helps. The first match counts, in this order. */
const known: readonly {
  readonly says: RegExp
  readonly code: ObstacleCode
  readonly reason: string
  readonly remedy?: string
}[] = [
  {
    says: /io_uring/i,
    code: 'io-uring',
    reason: 'uses io_uring, which CRIU cannot dump (criu issue 2131)',
    remedy: 'kernelswap adopt UNIT',
  },
  {
    says: /Unsupported proto 262/,
    code: 'multipath-tcp',
    reason: 'uses multipath TCP, which CRIU cannot dump (criu issue 2655)',
    remedy: 'for a Go program: Environment=GODEBUG=multipathtcp=0',
  },
  {
    says: /POKEDATA failed: Input\/output error/,
    code: 'shared-code',
    reason: 'runs code in shared memory, such as a JIT makes, where CRIU has no room for its own',
    remedy: 'turn that off, for PHP: opcache.jit_buffer_size=0',
  },
  {
    says: /Unsupported proto \d+|Unsupported socket (family|type)|Unknown socket collected/,
    code: 'socket-protocol',
    reason: 'has sockets of a protocol that CRIU cannot dump (SCTP, vsock, AF_ALG and others)',
  },
  {
    says: /user namespace/,
    code: 'user-namespace',
    reason: 'runs in a user namespace of its own (PrivateUsers=yes), which CRIU cannot dump',
    remedy: 'kernelswap adopt UNIT',
  },
  {
    says: /SysVIPC|IPC ns/,
    code: 'sysv-ipc',
    reason: "uses System V IPC in the host's namespace",
    remedy: 'kernelswap adopt UNIT',
  },
  {
    says: /Can't get 1:16 opt: Operation not supported/,
    code: 'criu-too-old',
    reason: 'has sockets that this CRIU cannot dump on this kernel',
    remedy: 'install CRIU 4.2 or newer (commit 4b7398595)',
  },
  {
    says: /No space left on device/,
    code: 'disk-space',
    reason: 'the checkpoint does not fit on the disk',
    remedy: 'free some space',
  },
]

/**
 * Errors over what a task or its peer did just then: data that had come, a connection about to be accepted, a task that
 * forked or ended between two looks (criu/sk-netlink.c, criu/sk-inet.c, criu/sk-unix.c, criu/seize.c, compel/src/lib/infect.c).
 */
const passing: readonly RegExp[] = [
  /socket has data to read/i,
  /in-flight connection/i,
  /(un|not )able to (freeze|interrupt|seize|stop) /i,
  /can't (freeze|interrupt|seize|stop|wait) /i,
  /SEIZE \d+/,
  /task .* (ended|died|gone|unexpected state)/i,
  /No such process/,
  /\/proc\/\d+.*: No such file or directory/,
]

/** How often a dump is worth a try that failed with these errors: a cause that is known stays, one that nobody knows may not. */
export function triesOf(errors: readonly string[]): number {
  const any = (patterns: readonly RegExp[]) =>
    errors.some((error) => patterns.some((says) => says.test(error)))
  if (any(known.map(({ says }) => says))) return 1
  return any(passing) ? 5 : 2
}

/** Turns the errors of a failed dump into an obstacle; the first error CRIU logs is the cause, the rest follow. */
export function explainDump(unit: string, errors: readonly string[], stderr: string): Obstacle {
  const fallback = `--restart ${unit}`
  for (const { says, code, reason, remedy } of known) {
    if (errors.some((error) => says.test(error))) {
      return { code, reason, remedy: remedy?.replace('UNIT', unit) ?? fallback }
    }
  }
  const said = errors[0] || stderr.trim().split('\n').at(-1) || 'no message'
  return { code: 'dump-failed', reason: `CRIU cannot dump it: ${said}`, remedy: fallback }
}
