import { same } from '../compare.ts'
import { facet } from '../facet.ts'

export const alternateStack = facet({
  name: 'alternate-stack',
  title: 'alternate signal stack: address, flags, size',
  manual: 'sigaltstack(2)',
  scope: 'thread',
  strictOnly: true,
  read: (thread) => thread.asked('alternateStack'),
  compare: same(),
})
