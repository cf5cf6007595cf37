import { createHash } from 'node:crypto'
import { byKey, combine, differing, equal, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Comparison } from '../types.ts'

/** The values are often secrets, and a snapshot is a file: it holds a digest of each. */
export const environ = facet<Readonly<Record<string, string>>>({
  name: 'environ',
  title: 'environment the program was started with',
  manual: 'proc_pid_environ(5)',
  scope: 'task',
  read: (task) => digests(task.proc.text('environ')),
  compare: (before, after, setting) =>
    combine([byKey(undefined, changed)(without(before), without(after), setting), journal(before, after)]),
})

function digests(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [
        entry.split('=', 1)[0],
        createHash('sha256').update(entry).digest('hex').slice(0, 16),
      ]),
  )
}

function changed(before: string, after: string): Comparison {
  return before === after ? equal() : differing('another value')
}

/** systemd sets it to device and inode of standard error's socket, which is a new one after the swap. */
const JOURNAL = 'JOURNAL_STREAM'

function without(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== JOURNAL))
}

function journal(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Comparison {
  return before[JOURNAL] === after[JOURNAL]
    ? equal()
    : explained('JOURNAL_STREAM names the socket of the old kernel')
}
