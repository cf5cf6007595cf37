import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const capabilitiesEffective = facet({
  name: 'capabilities-effective',
  title: 'effective capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read: (thread) => thread.status('CapEff'),
  compare: bits(),
})
