import { bits } from '../compare.ts'
import { facet } from '../types.ts'

export const signalsBlocked = facet({
  name: 'signals-blocked',
  title: 'blocked signals',
  manual: 'sigprocmask(2)',
  scope: 'thread',
  read: (thread) => thread.status('SigBlk'),
  compare: bits(1, 'tasks that run block signals for a while'),
})
