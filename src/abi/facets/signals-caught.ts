import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const signalsCaught = facet({
  name: 'signals-caught',
  title: 'signals with a handler',
  manual: 'sigaction(2)',
  scope: 'task',
  read: (task) => task.status('SigCgt'),
  compare: bits(1),
})
