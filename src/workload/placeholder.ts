import { basename } from 'node:path'
import { scriptFile } from '../layout.ts'
import type { Service } from './service.ts'
import type { UnitFile } from './workload.ts'

/** Placeholder main process of a unit until its processes are restored; any long-lived program does. */
const placeholder = '/usr/bin/sleep'

/** The drop-in with which a unit starts as a placeholder and is restored into it. */
export function placeholderOf({ unit, properties }: Service, checkpoint: string): UnitFile {
  const lines = [
    '# kernelswap restores this unit from its checkpoint. Exists only while a swap lands.',
    // It may be begun anew (landing/static/restore-units).
    ...['[Unit]', 'StartLimitIntervalSec=0'],
    '[Service]',
    'Type=exec',
    'NotifyAccess=all',
    // Until the restore nobody writes it, and systemd would wait for it.
    'PIDFile=',
    'Restart=no',
    'WatchdogSec=0',
    // CRIU is given half an hour, twice (landing/static/restore-unit).
    'TimeoutStartSec=2h',
    'RuntimeDirectoryPreserve=yes',
    // CRIU leaves a score of 0 as the restore has it, which would be the unit's.
    'OOMScoreAdjust=0',
    // A restored task that is held must never run again once it is told to end: its checkpoint still counts. Any other
    // signal than this one is followed by SIGCONT (systemd.kill(5)).
    ...['KillMode=control-group', 'KillSignal=SIGKILL', 'RestartKillSignal=SIGKILL'],
    // The journal names messages by the program that opened the stream: restore-unit, without this.
    `SyslogIdentifier=${identifier(properties)}`,
    ...(properties.NoExecPaths ? [`ExecPaths=${placeholder} /usr/lib`] : []),
    ...['ExecCondition=', 'ExecStartPre=', 'ExecStartPost=', 'ExecStop=', 'ExecStopPost=', 'ExecStart='],
    `ExecStart=${placeholder} infinity`,
    `ExecStartPost=+${scriptFile('restore-unit')} ${escaped(checkpoint)}`,
    '',
  ]
  // systemd merges drop-ins of all directories by file name; the last one wins (systemd.unit(5)).
  return { path: `${unit}.d/zz-kernelswap.conf`, content: lines.join('\n') }
}

/**
 * A socket whose listener comes back with the service: started, it would be in the way (of an address), or take its place (of
 * a path). A condition that doesn't hold is no failure, for those who need it either (systemd.unit(5)).
 */
export function heldBack(socket: string): UnitFile {
  const lines = [
    '# kernelswap restores its listener with the service.',
    '[Unit]',
    'ConditionPathExists=!/',
    '',
  ]
  return { path: `${socket}.d/zz-kernelswap.conf`, content: lines.join('\n') }
}

/** A word of a command line as systemd reads it, with C escapes and specifiers undone (systemd.service(5), COMMAND LINES). */
function escaped(word: string): string {
  return word.replaceAll('\\', '\\\\').replaceAll('%', '%%')
}

/** What systemd names the unit's messages by: its setting, or the name of the program it starts. */
function identifier(properties: Service['properties']): string {
  if (properties.SyslogIdentifier) return properties.SyslogIdentifier
  const program = /path=(\S+)/.exec(properties.ExecStart ?? '')?.[1]
  return program ? basename(program) : '%p'
}
