import { parseLimits } from '../../proc/limits.ts'
import { byKey } from '../compare.ts'
import { facet } from '../types.ts'

export const rlimits = facet({
  name: 'rlimits',
  title: 'resource limits, soft and hard',
  manual: 'getrlimit(2)',
  scope: 'task',
  read: (task) => parseLimits(task.proc.text('limits')),
  compare: byKey(),
})
