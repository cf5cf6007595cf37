import { Failure } from '../errors.ts'
import type { Destination } from '../tools/ssh.ts'

/** Names have 253 letters at most (RFC 1035, 2.3.4, less what isn't written), users fewer. */
const LONGEST = 512

/**
 * Takes `user@name:port` apart; user and port may be left out, an IPv6 address with a port stands in brackets.
 * @throws Failure 'usage' for anything else.
 */
export function parseDestination(text: string): Destination {
  const match = /^(?:([^@\s]+)@)?(?:\[([^[\]\s]+)\]|([^@:\s]+)|([^@\s]*:[^@\s]*:[^@\s]*))(?::(\d+))?$/.exec(
    text,
  )
  const name = match?.[2] ?? match?.[3] ?? match?.[4]
  const port = match?.[5] === undefined ? undefined : Number(match[5])
  // OpenSSH takes a leading dash for an option in some places.
  if (
    !match ||
    !name ||
    text.length > LONGEST ||
    /^-/.test(text) ||
    name.startsWith('-') ||
    port === 0 ||
    (port ?? 0) > 65_535
  ) {
    throw new Failure(
      'usage',
      `"${text.slice(0, 100)}" is no host; one looks like admin@web1 or admin@web1:2222.`,
    )
  }
  return {
    name,
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(port === undefined ? {} : { port }),
  }
}
