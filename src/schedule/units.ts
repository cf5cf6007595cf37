import { Failure } from '../errors.ts'
import { settleUnit } from '../landing/landing.ts'

/** What `kernelswap schedule` was asked for; lengths as systemd.time(7) writes them. */
export interface Schedule {
  readonly calendars: readonly string[]
  readonly randomDelay: string | undefined
  readonly window: string
  readonly maxOutage: string | undefined
  readonly strict: boolean
}

export const timerName = 'kernelswap-scheduled.timer'
export const serviceName = 'kernelswap-scheduled.service'

/** The timer: systemd keeps time, also over a host that was off when it was due. */
export function timerUnit({ calendars, randomDelay }: Schedule): string {
  return [
    '[Unit]',
    'Description=kernelswap: when to swap the kernel',
    'Documentation=man:kernelswap(8)',
    // It outlives a package that is removed but not purged.
    'ConditionPathExists=/usr/sbin/kernelswap',
    '',
    '[Timer]',
    ...calendars.map((calendar) => `OnCalendar=${safe(calendar)}`),
    ...(randomDelay === undefined ? [] : [`RandomizedDelaySec=${safe(randomDelay)}`]),
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n')
}

/** The service that it starts. */
export function serviceUnit({ calendars, window, maxOutage, strict }: Schedule): string {
  const options = [
    ...calendars.map((calendar) => `--on-calendar "${safe(calendar)}"`),
    `--window "${safe(window)}"`,
    ...(maxOutage === undefined ? [] : [`--max-outage "${safe(maxOutage)}"`]),
    ...(strict ? ['--strict'] : []),
  ]
  return [
    '[Unit]',
    'Description=kernelswap: swap the kernel if a newer one is installed',
    'Documentation=man:kernelswap(8)',
    'Wants=network-online.target',
    `After=network-online.target ${settleUnit}`,
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=/usr/sbin/kernelswap run --scheduled ${options.join(' ')}`,
    'TimeoutStartSec=infinity',
    '# Another host holds the lock, or another kernelswap is at work (75): again, until the window closes.',
    'Restart=on-failure',
    'RestartSec=60',
    'RestartPreventExitStatus=1 2 3 4 5 77 78',
    '',
  ].join('\n')
}

/** Nothing that a unit file gives a meaning (systemd.syntax(7), systemd.service(5)) gets into one. */
function safe(text: string): string {
  if (/^[\w*:.,/~+ -]+$/.test(text)) return text
  throw new Failure(
    'usage',
    `"${text}" has characters that no time is written with; systemd.time(7) has them all.`,
  )
}
