import { byCommonKey, explained, same } from '../compare.ts'
import { facet } from '../facet.ts'
import { labelOf } from '../sockets.ts'

type Kind = { readonly kind: string; readonly label: string }

/** Sockets that are neither bound nor connected aren't listed: a connection that was cut ends there. */
const UNLISTED = { kind: 'unlisted', label: 'socket' }

export const socketKinds = facet<Readonly<Record<string, Kind>>>({
  name: 'socket-kinds',
  title: 'protocols of sockets, and whether they are bound or connected at all',
  manual: 'sock_diag(7)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.workload.firstHeld(task, 'socket').map(({ fd, inode }) => {
        const row = task.workload.socket(inode)
        return [String(fd), row ? { kind: row.netid, label: labelOf(row) } : UNLISTED]
      }),
    ),
  compare: byCommonKey(
    (fd, { label }) => `fd ${fd} ${label}`,
    (before, after, setting) =>
      setting.strict || before.kind === after.kind
        ? same<string>()(before.kind, after.kind, setting)
        : explained('peers close connections'),
  ),
})
