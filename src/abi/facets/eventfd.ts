import { parseKeyedLines } from '../../proc/keyed-lines.ts'
import { byCommonKey, fields, movesWhenRunning, same } from '../compare.ts'
import { facet } from '../facet.ts'

type Counter = { readonly count: string; readonly semaphore: string }

export const eventfd = facet<Readonly<Record<string, Counter>>>({
  name: 'eventfd',
  title: 'counters of event descriptors',
  manual: 'eventfd(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptorsOf('eventfd').map(({ fd, info }) => {
        const values = parseKeyedLines(info)
        return [
          String(fd),
          { count: values.get('eventfd-count') ?? '', semaphore: values.get('eventfd-semaphore') ?? '' },
        ]
      }),
    ),
  compare: byCommonKey(
    (fd) => `fd ${fd}`,
    fields<Counter>({ count: movesWhenRunning('tasks that run read and write events'), semaphore: same() }),
  ),
})
