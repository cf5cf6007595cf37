import { same } from '../compare.ts'
import { facet } from '../facet.ts'

export const childSubreaper = facet({
  name: 'child-subreaper',
  title: 'adopts orphaned descendants',
  manual: 'PR_SET_CHILD_SUBREAPER(2const)',
  scope: 'task',
  strictOnly: true,
  read: (task) => task.leader.asked('subreaper'),
  compare: same(),
})
