import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const capabilitiesAmbient = facet({
  name: 'capabilities-ambient',
  title: 'ambient capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read: (thread) => thread.status('CapAmb'),
  compare: bits(),
})
