import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const memoryPolicy = facet<Readonly<Record<string, string>>>({
  name: 'memory-policy',
  title: 'memory policy of areas, where it isn’t the default',
  manual: 'numa(7)',
  scope: 'task',
  strictOnly: true,
  read: (task) =>
    Object.fromEntries(
      task.proc
        .text('numa_maps')
        .split('\n')
        .map((line) => line.split(' '))
        .filter(([address, policy]) => address !== '' && policy !== undefined && policy !== 'default')
        .map(([address = '', policy = '']) => [address, policy]),
    ),
  compare: byKey(),
})
