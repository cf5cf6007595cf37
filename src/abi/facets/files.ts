import { byCommonKey, byKey, movesWhenRunning } from '../compare.ts'
import { type Facet, facet } from '../facet.ts'
import { type FileFacts, tmpfsFiles } from '../tmpfs.ts'

/** Descriptors whose state is one field. */
export const files: readonly Facet[] = [
  facet<Readonly<Record<string, number>>>({
    name: 'fd-offsets',
    title: 'file offsets, in bytes',
    manual: 'lseek(2)',
    scope: 'task',
    read: (task) =>
      Object.fromEntries(
        task.descriptorsOf('file', 'memfd').map(({ fd, position }) => [String(fd), position]),
      ),
    compare: byCommonKey((fd) => `fd ${fd}`, movesWhenRunning('tasks that run read and write files')),
  }),
  facet<Readonly<Record<string, Readonly<Record<string, string>>>>>({
    name: 'terminal',
    title: 'terminal modes and window size',
    manual: 'termios(3)',
    scope: 'task',
    read: (task) =>
      Object.fromEntries(task.terminals.map(({ fd }) => [String(fd), task.probed('terminal', fd)])),
    compare: byCommonKey((fd) => `fd ${fd}`, byKey()),
  }),
  facet<Readonly<Record<string, FileFacts>>>({
    name: 'tmpfs-files',
    title: 'files on tmpfs mounts of an own mount namespace',
    manual: 'tmpfs(5)',
    scope: 'task',
    read: (task) => tmpfsFiles(task),
    compare: movesWhenRunning('tasks that run write files', byKey()),
  }),
]
