import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Runs a line of shell in a directory. */
export function shell(directory: string, line: string): string {
  return execFileSync('sh', ['-euc', line], { cwd: directory, encoding: 'utf8' })
}

/**
 * What a directory holds, a line an entry: name, kind, mode, owner, group, time of change to the nanosecond, size of
 * files, number of names and where a link leads.
 */
export function listing(directory: string): string[] {
  const format = '%P|%y|%m|%U|%G|%T@|%n|%l\\n'
  return shell(directory, `find . -mindepth 1 -printf '${format}' | sort`).split('\n').filter(Boolean)
}

/** Contents by name, of the regular files of a directory. */
export function contents(directory: string): Record<string, string> {
  const names = shell(directory, 'find . -type f -print0').split('\0').filter(Boolean).sort()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'base64')]))
}
