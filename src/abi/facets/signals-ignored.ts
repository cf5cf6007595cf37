import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const signalsIgnored = facet({
  name: 'signals-ignored',
  title: 'ignored signals',
  manual: 'sigaction(2)',
  scope: 'task',
  read: (task) => task.status('SigIgn'),
  compare: bits(1),
})
