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

/** Runs a program in a network namespace. */
export function within(namespace: number, program: string, args: readonly string[], input = ''): void {
  const entered = ['--net', '--target', String(namespace), program, ...args]
  execFileSync('nsenter', entered, { input, stdio: 'pipe' })
}
