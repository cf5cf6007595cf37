import { createHash } from 'node:crypto'
import { ARRIVAL } from '../arrived.ts'
import { byKey, combine, explained, same } from '../compare.ts'
import { facet } from '../facet.ts'
import { isInbox } from '../sockets.ts'
import type { Compare } from '../types.ts'

type Content = { readonly digest: string; readonly isInbox: boolean }

const sameDigest: Compare<Content> = (before, after, setting) =>
  same<string>()(before.digest, after.digest, setting)

export const waitingContents = facet<Readonly<Record<string, Content>>>({
  name: 'waiting-contents',
  title: 'the bytes waiting in pipes and sockets, by digest',
  manual: 'tee(2)',
  scope: 'task',
  strictOnly: true,
  read: (task) =>
    Object.fromEntries(
      (['pipe', 'socket'] as const).flatMap((kind) =>
        task.workload
          .firstHeld(task, kind)
          .map(({ fd, inode }) => ({ fd, inode, content: task.probed(kind, fd).content }))
          .filter(({ content }) => content !== undefined)
          .map(({ fd, inode, content }) => {
            const row = kind === 'socket' ? task.workload.socket(Number(inode)) : undefined
            return [
              `fd ${fd} ${kind}`,
              { digest: digest(content!), isInbox: row !== undefined && isInbox(row) },
            ]
          }),
      ),
    ),
  compare: (before, after, setting) => {
    const hasCome = (key: string) => !(key in before) && after[key]!.isInbox
    const others = Object.fromEntries(Object.entries(after).filter(([key]) => !hasCome(key)))
    return combine([
      ...(Object.keys(after).some(hasCome) ? [explained(ARRIVAL)] : []),
      byKey(undefined, sameDigest)(before, others, setting),
    ])
  },
})

function digest(content: string): string {
  return `${content.length / 2} bytes ${createHash('sha256').update(content).digest('hex').slice(0, 16)}`
}
