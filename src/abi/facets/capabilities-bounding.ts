import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const capabilitiesBounding = facet({
  name: 'capabilities-bounding',
  title: 'bounding capabilities',
  manual: 'capabilities(7)',
  scope: 'thread',
  read: (thread) => thread.status('CapBnd'),
  compare: bits(),
})
