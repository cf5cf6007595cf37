import { byKey } from '../compare.ts'
import { facet } from '../types.ts'

export const memoryLayout = facet<Readonly<Record<string, string>>>({
  name: 'memory-layout',
  title: 'where code, data, heap, arguments and environment begin and end',
  manual: 'PR_SET_MM(2const)',
  scope: 'task',
  read: (task) => task.stat.layout,
  compare: byKey(),
})
