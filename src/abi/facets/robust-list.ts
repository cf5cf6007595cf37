import { byKey } from '../compare.ts'
import { facet } from '../types.ts'

export const robustList = facet({
  name: 'robust-list',
  title: 'list of robust futexes',
  manual: 'get_robust_list(2)',
  scope: 'thread',
  read: (thread) => thread.probed('robust'),
  compare: byKey(),
})
