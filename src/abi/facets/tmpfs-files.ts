import { byKey, movesWhenRunning } from '../compare.ts'
import { type FileFacts, tmpfsFiles } from '../tmpfs.ts'
import { facet } from '../types.ts'

export const tmpfsFilesFacet = facet<Readonly<Record<string, FileFacts>>>({
  name: 'tmpfs-files',
  title: 'files on tmpfs mounts of an own mount namespace',
  manual: 'tmpfs(5)',
  scope: 'task',
  read: (task) => tmpfsFiles(task),
  compare: movesWhenRunning('tasks that run write files', byKey()),
})
