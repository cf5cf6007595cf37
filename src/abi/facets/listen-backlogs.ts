import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import { eachSocket, isListening, type PerSocket } from '../sockets.ts'

/** A listening socket that is gone is a difference even when tasks run: services don't close those. */
export const listenBacklogs = facet<PerSocket<number>>({
  name: 'listen-backlogs',
  title: 'listening sockets and their backlogs',
  manual: 'listen(2)',
  scope: 'task',
  read: (task) => eachSocket(task, isListening, ({ sendQueue }) => sendQueue),
  compare: byKey(
    (fd, { label }) => `fd ${fd} ${label} backlog`,
    (before, after) =>
      before.is === after.is
        ? { kind: 'equal' }
        : { kind: 'differing', lines: [`${before.is} → ${after.is}`] },
  ),
})
