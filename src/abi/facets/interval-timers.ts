import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const intervalTimers = facet({
  name: 'interval-timers',
  title: 'interval timers',
  manual: 'getitimer(2)',
  scope: 'task',
  read() {
    throw new Unreadable(
      'getitimer(2) answers only the process itself, and /proc has shown 0 since Linux 2.6.17',
    )
  },
  compare: same(),
})
