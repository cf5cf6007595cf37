import { createHash } from 'node:crypto'
import { same } from '../compare.ts'
import { facet } from '../facet.ts'

export const seccompCode = facet<readonly string[]>({
  name: 'seccomp-code',
  title: 'instructions of seccomp filters, by digest, the last one first',
  manual: 'PTRACE_SECCOMP_GET_FILTER(2const)',
  scope: 'thread',
  strictOnly: true,
  read: (thread) =>
    thread.filters.map((code) => createHash('sha256').update(code).digest('hex').slice(0, 16)),
  compare: same(),
})
