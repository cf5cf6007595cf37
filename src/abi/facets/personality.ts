import { same } from '../compare.ts'
import { facet } from '../types.ts'

export const personality = facet({
  name: 'personality',
  title: 'execution domain',
  manual: 'personality(2)',
  scope: 'thread',
  read: (thread) => thread.proc.text('personality').trim(),
  compare: same(),
})
