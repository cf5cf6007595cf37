import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const alternateStack = facet({
  name: 'alternate-stack',
  title: 'alternate signal stack',
  manual: 'sigaltstack(2)',
  scope: 'thread',
  read() {
    throw new Unreadable('sigaltstack(2) answers only the thread itself')
  },
  compare: same(),
})
