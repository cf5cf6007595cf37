import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const capabilitiesInheritable = facet({
  name: 'capabilities-inheritable',
  title: 'inheritable capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read: (thread) => thread.status('CapInh'),
  compare: bits(),
})
