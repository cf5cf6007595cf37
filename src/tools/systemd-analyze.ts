import { Failure } from '../errors.ts'
import { attempt } from '../host/local.ts'

/**
 * When a calendar expression (systemd.time(7)) comes true next after a moment, both Unix times in seconds; undefined
 * where it never does again.
 * @throws Failure 'usage' for what is no calendar expression.
 */
export async function nextElapse(expression: string, after: number): Promise<number | undefined> {
  const base = `--base-time=@${Math.floor(after)}`
  const { code, stdout, stderr } = await attempt('systemd-analyze', ['calendar', base, '--', expression])
  if (code !== 0) {
    throw new Failure(
      'usage',
      `"${expression}" is no calendar expression (${stderr.trim().split('\n')[0]}); systemd.time(7) describes them, such as "Sun 03:00".`,
    )
  }
  return parseElapse(stdout)
}

/** Parses what `systemd-analyze calendar` prints: where the host's zone isn't UTC, the time in UTC has its own line. */
export function parseElapse(text: string): number | undefined {
  const found =
    /^\s*(?:Next elapse|\(in UTC\)): \w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/m.exec(text)
  return found ? Date.parse(`${found[1]}T${found[2]}Z`) / 1000 : undefined
}

/**
 * Seconds in a time span such as `30m` or `1h 20s` (systemd.time(7)).
 * @throws Failure 'usage' for anything else.
 */
export async function timespanSeconds(text: string): Promise<number> {
  const { code, stdout } = await attempt('systemd-analyze', ['timespan', '--', text])
  const microseconds = /^\s*(?:μ|u)s: (\d+)$/m.exec(stdout)?.[1]
  if (code === 0 && microseconds !== undefined) return Number(microseconds) / 1_000_000
  throw new Failure('usage', `"${text}" is no time span; write it as 20s, 30m or 2h.`)
}
