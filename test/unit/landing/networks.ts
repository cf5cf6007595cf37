import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

const started: ChildProcessWithoutNullStreams[] = []

/** Ends what `network` and `start` have started. */
export function endAll(): void {
  for (const child of started) child.kill()
}

/** A network namespace, as the process that keeps it. */
export async function network(): Promise<number> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo up; exec cat'])
  started.push(child)
  await once(child.stdout, 'data')
  return child.pid!
}

/** Starts a program in a network namespace. */
export function start(
  namespace: number,
  program: string,
  args: readonly string[],
): ChildProcessWithoutNullStreams {
  const entered = ['--net', '--target', String(namespace), program, ...args]
  const child = spawn('nsenter', entered)
  started.push(child)
  return child
}

/** Runs a line of shell in a network namespace. */
export function shell(namespace: number, line: string): void {
  within(namespace, 'sh', ['-euc', line])
}

/** Runs a program in a network namespace, and returns what it prints. */
export function within(namespace: number, program: string, args: readonly string[], input = ''): string {
  const entered = ['--net', '--target', String(namespace), program, ...args]
  return execFileSync('nsenter', entered, { input, stdio: 'pipe', encoding: 'utf8' })
}

/**
 * Timers of the TCP connections in a network namespace that have one, a line each: what it is for, when it elapses, and how
 * often it did so before (ss(8), --options).
 */
export function timers(namespace: number): string[] {
  const shown = within(namespace, 'ss', ['--tcp', '--numeric', '--no-header', '--options'])
  return [...shown.matchAll(/timer:\(([^)]*)\)/g)].map(([, timer]) => timer!)
}
