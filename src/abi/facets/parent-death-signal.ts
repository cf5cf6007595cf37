import { same } from '../compare.ts'
import { facet } from '../facet.ts'

export const parentDeathSignal = facet({
  name: 'parent-death-signal',
  title: 'signal at the death of the parent',
  manual: 'PR_SET_PDEATHSIG(2const)',
  scope: 'thread',
  strictOnly: true,
  read: (thread) => thread.asked('deathSignal'),
  compare: same(),
})
