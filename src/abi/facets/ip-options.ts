import { facet } from '../facet.ts'
import { byOption, onStream } from '../options.ts'
import { bySocket, eachProbedSocket, optionsOf, type PerSocket } from '../sockets.ts'

export const ipOptions = facet<PerSocket<Readonly<Record<string, string>>>>({
  name: 'ip-options',
  title: 'IPv4 socket options: type of service, time to live, multicast, …',
  manual: 'ip(7)',
  scope: 'task',
  read: (task) =>
    eachProbedSocket(task, (answers) => ({ ...optionsOf(answers, 'IP_'), SO_TYPE: answers.SO_TYPE ?? '' })),
  compare: bySocket(byOption(onStream)),
})
