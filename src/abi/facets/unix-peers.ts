import type { SocketRow } from '../../tools/ss.ts'
import { byKey, movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'
import type { WorkloadReader } from '../readers.ts'
import { bySocket, eachSocket, isListening, isUnix, type PerSocket } from '../sockets.ts'

type Ends = Readonly<Record<'type' | 'state' | 'name' | 'peer', string>>

export const unixPeers = facet<PerSocket<Ends>>({
  name: 'unix-peers',
  title: 'unix sockets: type, name and the other end',
  manual: 'unix(7)',
  scope: 'task',
  read: (task) =>
    eachSocket(task, isUnix, (row) => ({
      type: row.netid,
      state: row.state,
      name: row.local,
      peer: isListening(row) ? '' : peerOf(task.workload, row),
    })),
  compare: bySocket((before, after, setting) =>
    before.state === 'LISTEN'
      ? byKey()(before, after, setting)
      : movesWhenRunning<Ends>('peers close connections', byKey())(before, after, setting),
  ),
})

/** The other end's first descriptor if a task of the workload holds it, else its name. */
function peerOf(workload: WorkloadReader, { peerInode, peer }: SocketRow): string {
  if (peerInode === 0) return 'none'
  const holder = workload.socketHolder(peerInode)
  return holder === '' ? `outside ${peer}`.trim() : holder
}
