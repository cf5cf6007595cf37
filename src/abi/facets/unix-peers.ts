import type { SocketRow } from '../../tools/ss.ts'
import { byKey, combine, explained, movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'
import type { WorkloadReader } from '../readers.ts'
import { bySocket, eachSocket, isListening, isUnix, type PerSocket } from '../sockets.ts'
import type { Compare } from '../types.ts'

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
      : movesWhenRunning<Ends>('peers close connections', compareEnds)(before, after, setting),
  ),
})

/** ss(8) shows them with an @ for the byte that they begin with. */
const isAbstract = (name: string) => name.startsWith('@')

/**
 * CRIU leaves accepted sockets without a name (criu/sk-unix.c, bind_unix_sk), and nobody else can give them that of a listener
 * in the abstract namespace, which may have it once.
 */
const compareEnds: Compare<Ends> = (before, after, setting) => {
  const isLeftOut = before.state === 'ESTAB' && isAbstract(before.name) && after.name === ''
  return combine([
    ...(isLeftOut
      ? [explained('an accepted connection does not tell the abstract name of its listener')]
      : []),
    byKey()(isLeftOut ? { ...before, name: '' } : before, after, setting),
  ])
}

/** The other end's first descriptor if a task of the workload holds it, else its name. */
function peerOf(workload: WorkloadReader, { peerInode, peer }: SocketRow): string {
  if (peerInode === 0) return 'none'
  const holder = workload.socketHolder(peerInode)
  return holder === '' ? `outside ${peer}`.trim() : holder
}
