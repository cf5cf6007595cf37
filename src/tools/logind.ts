import { attempt, run } from '../host/local.ts'
import { parseUnits } from './systemd.ts'

/** A login as systemd-logind knows it. */
export interface Login {
  /** Who is logged in. */
  readonly user: string
  /** Unit that holds its processes, such as `session-3.scope`. */
  readonly scope: string
  /** PID of the process that registered it, such as sshd's. */
  readonly leader: number
}

/** A login may end between the two questions: then both are asked again, so often. */
const tries = 3

/** All logins of the host (loginctl(1)). */
export async function logins(): Promise<Login[]> {
  for (let left = tries; ; left -= 1) {
    const { stdout } = await run('loginctl', ['list-sessions', '--no-legend'])
    const ids = sessionIds(stdout)
    if (ids.length === 0) return []
    const shown = await attempt('loginctl', ['show-session', '--property=Name,Scope,Leader', '--', ...ids])
    if (shown.code === 0) return parseLogins(shown.stdout)
    if (left === 1) throw new Error(`loginctl show-session: ${shown.stderr.trim()}`)
  }
}

/** First words of `loginctl list-sessions`. */
export function sessionIds(text: string): string[] {
  return text.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || [])
}

/** Parses what `loginctl show-session` prints of several: a paragraph for each. */
export function parseLogins(text: string): Login[] {
  return parseUnits(text).map(({ Name = '', Scope = '', Leader }) => ({
    user: Name,
    scope: Scope,
    leader: Number(Leader),
  }))
}
