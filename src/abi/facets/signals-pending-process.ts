import { pending } from '../pending.ts'
import { facet } from '../types.ts'

export const signalsPendingProcess = facet({
  name: 'signals-pending-process',
  title: 'signals pending for the process',
  manual: 'signal(7)',
  scope: 'task',
  read: (task) => task.status('ShdPnd'),
  compare: pending,
})
