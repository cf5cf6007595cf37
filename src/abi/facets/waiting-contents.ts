import { createHash } from 'node:crypto'
import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const waitingContents = facet<Readonly<Record<string, string>>>({
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
          .map(({ fd }) => ({ fd, content: task.probed(kind, fd).content }))
          .filter(({ content }) => content !== undefined)
          .map(({ fd, content }) => [`fd ${fd} ${kind}`, digest(content!)]),
      ),
    ),
  compare: byKey(),
})

function digest(content: string): string {
  return `${content.length / 2} bytes ${createHash('sha256').update(content).digest('hex').slice(0, 16)}`
}
