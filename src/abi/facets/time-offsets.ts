import { mayDiffer } from '../compare.ts'
import { facet } from '../types.ts'

export const timeOffsets = facet({
  name: 'time-offsets',
  title: 'offsets of its time namespace',
  manual: 'time_namespaces(7)',
  scope: 'task',
  read: (task) => task.proc.text('timens_offsets').trim().split(/\s+/).join(' '),
  compare: mayDiffer('a time namespace carries the monotonic clock over the boot'),
})
