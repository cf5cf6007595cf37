import { execFileSync } from 'node:child_process'

/** Runs a line of shell, with a text as its input, in a network namespace of its own. */
export function inOwnNetwork(line: string, input = ''): string {
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  const words = ['--net', 'sh', '-euc', line]
  return execFileSync('unshare', words, { input, encoding: 'utf8', env: environment, stdio: 'pipe' })
}

/** True where this line of shell runs in a network namespace of our own: root, and not in a strict container. */
export function canInOwnNetwork(line: string): boolean {
  try {
    inOwnNetwork(line)
    return true
  } catch {
    return false
  }
}
