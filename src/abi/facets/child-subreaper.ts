import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const childSubreaper = facet({
  name: 'child-subreaper',
  title: 'adopts orphaned descendants',
  manual: 'PR_SET_CHILD_SUBREAPER(2const)',
  scope: 'task',
  read() {
    throw new Unreadable('prctl(2) answers only the process itself')
  },
  compare: same(),
})
