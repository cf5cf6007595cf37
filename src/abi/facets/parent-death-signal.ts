import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const parentDeathSignal = facet({
  name: 'parent-death-signal',
  title: 'signal at the death of the parent',
  manual: 'PR_SET_PDEATHSIG(2const)',
  scope: 'thread',
  read() {
    throw new Unreadable('prctl(2) answers only the process itself')
  },
  compare: same(),
})
