/**
 * What a failure means to whoever called us. `main.ts` turns it into an exit code; nothing else does.
 */
export const failureKinds = [
  'failed',
  'usage',
  'refused',
  'mismatch',
  'operator',
  'busy',
  'permission',
  'configuration',
] as const
export type FailureKind = (typeof failureKinds)[number]

/** A failure with one sentence for people: what, why, what to do. */
export class Failure extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.kind = kind
  }
}

/** The sentence to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** For `catch` on a read: what isn't there reads as `fallback`; any other error goes on. */
export function ifMissing<T>(fallback: T): (error: unknown) => T {
  return (error) => {
    if (isErrno(error, 'ENOENT')) return fallback
    throw error
  }
}

/** The same for a read below /proc/PID: a process that has ended reads as `fallback`, even in the middle (ESRCH). */
export function ifEnded<T>(fallback: T): (error: unknown) => T {
  return (error) => {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return fallback
    throw error
  }
}

/** True for a file system error with one of these codes, such as ENOENT. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
