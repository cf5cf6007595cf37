import { attempt, run } from '../host/local.ts'

/** A program that systemd starts later on, whatever has become of us. */
export interface Later {
  /** Of its timer and its service, without a suffix. */
  readonly name: string
  /** From now on. */
  readonly seconds: number
  readonly command: readonly string[]
  /** It is forgotten once this unit, which runs now, has ended. */
  readonly unless?: string
}

/** Has systemd start a program once (systemd-run(1), --on-active=). */
export async function runLater({ name, seconds, command, unless }: Later): Promise<void> {
  const bound =
    unless === undefined ? [] : ['BindsTo', 'After'].map((key) => `--timer-property=${key}=${unless}`)
  await run('systemd-run', [
    ...['--quiet', '--collect', `--unit=${name}`, `--on-active=${Math.ceil(seconds)}`],
    // Timers may be a minute late otherwise (systemd.timer(5), AccuracySec=).
    ...['--timer-property=AccuracySec=1s', ...bound],
    ...['--', ...command],
  ])
}

/** Forgets it; no error where there is none any more. */
export async function forgetLater(name: string): Promise<void> {
  await attempt('systemctl', ['stop', '--', `${name}.timer`])
}
