import { pending } from '../pending.ts'
import { facet } from '../types.ts'

export const signalsPending = facet({
  name: 'signals-pending',
  title: 'signals pending for the thread',
  manual: 'signal(7)',
  scope: 'thread',
  read: (thread) => thread.status('SigPnd'),
  compare: pending,
})
