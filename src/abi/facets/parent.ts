import { equal, explained, same } from '../compare.ts'
import { facet } from '../facet.ts'

export const parent = facet<number>({
  name: 'parent',
  title: 'parent process',
  manual: 'getppid(2)',
  scope: 'task',
  read: (task) => task.stat.ppid,
  compare(before, after, setting) {
    if (setting.tree.has(before)) return same<number>()(before, after, setting)
    return before === after ? equal() : explained('the root of the tree is a child of whoever restored it')
  },
})
