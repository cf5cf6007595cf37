import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const capabilitiesPermitted = facet({
  name: 'capabilities-permitted',
  title: 'permitted capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read: (thread) => thread.status('CapPrm'),
  compare: bits(),
})
