import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const secureBits = facet({
  name: 'secure-bits',
  title: 'secure bits and keep-capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read() {
    throw new Unreadable('prctl(2) answers only the process itself')
  },
  compare: same(),
})
