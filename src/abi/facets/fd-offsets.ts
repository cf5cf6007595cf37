import { byCommonKey, movesWhenRunning } from '../compare.ts'
import { facet } from '../types.ts'

export const fdOffsets = facet<Readonly<Record<string, number>>>({
  name: 'fd-offsets',
  title: 'file offsets, in bytes',
  manual: 'lseek(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(task.descriptorsOf('file', 'memfd').map(({ fd, position }) => [String(fd), position])),
  compare: byCommonKey((fd) => `fd ${fd}`, movesWhenRunning('tasks that run read and write files')),
})
