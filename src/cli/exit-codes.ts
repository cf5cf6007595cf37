import { Failure, type FailureKind } from '../errors.ts'
import { Interrupted } from './interruption.ts'

interface ExitCode {
  readonly code: number
  readonly kind: FailureKind | undefined
  readonly means: string
}

/** Every exit code; those from 64 up are those of sysexits.h. */
export const exitCodes: readonly ExitCode[] = [
  { code: 0, kind: undefined, means: 'Done.' },
  {
    code: 1,
    kind: 'failed',
    means:
      'Failed, or a verdict other than swapped or restored, or standard output could not be written; diff and hooks run: something differs.',
  },
  { code: 2, kind: 'usage', means: 'Wrong usage.' },
  {
    code: 3,
    kind: 'refused',
    means:
      'Refused before anything was touched, with reason and remedy; over --host also: kernelswap is missing there, or another version.',
  },
  {
    code: 4,
    kind: 'mismatch',
    means:
      'Files of the swap that is asked for or pending are damaged, or written by a newer kernelswap; a host key is unknown, changed or revoked.',
  },
  {
    code: 5,
    kind: 'operator',
    means:
      'A unit could not be restored, and everything waits for your decision (on-restore-failure = "stop").',
  },
  {
    code: 75,
    kind: 'busy',
    means: 'Busy: another kernelswap or another host is at work, or there is no report yet; try again.',
  },
  { code: 77, kind: 'permission', means: 'Not root; a login or sudo was refused.' },
  { code: 78, kind: 'configuration', means: "Mistake in the configuration, OpenSSH's included." },
  { code: 130, kind: undefined, means: 'Ended by Ctrl-C (SIGINT), and nothing is left of what was begun.' },
  { code: 143, kind: undefined, means: 'The same by SIGTERM; 129 where the terminal was closed (SIGHUP).' },
]

/** The exit code for what was thrown. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode
  const kind = error instanceof Failure ? error.kind : 'failed'
  return exitCodes.find((each) => each.kind === kind)!.code
}
