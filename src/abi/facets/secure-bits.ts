import { same } from '../compare.ts'
import { facet } from '../facet.ts'

export const secureBits = facet({
  name: 'secure-bits',
  title: 'secure bits and keep-capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  strictOnly: true,
  read: (thread) => thread.asked('secureBits'),
  compare: same(),
})
