import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const seccompMode = facet({
  name: 'seccomp-mode',
  title: 'seccomp mode: 0 off, 1 strict, 2 filter',
  manual: 'seccomp(2)',
  scope: 'thread',
  read: (thread) => thread.status('Seccomp'),
  compare: same(),
})
