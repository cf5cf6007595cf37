import { parseEpollTargets } from '../../proc/fdinfo-kinds.ts'
import { byKeyLoosely, movesWhenRunning } from '../compare.ts'
import { facet } from '../facet.ts'

export const epoll = facet<Readonly<Record<string, string>>>({
  name: 'epoll',
  title: 'descriptors in epoll sets, with their events and data',
  manual: 'epoll_ctl(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task
        .descriptorsOf('eventpoll')
        .flatMap(({ fd, info }) =>
          parseEpollTargets(info).map(({ target, events, data }) => [
            `fd ${fd} watches ${target}`,
            `events ${events} data ${data}`,
          ]),
        ),
    ),
  compare: byKeyLoosely(
    'tasks that run change what they wait for',
    undefined,
    movesWhenRunning('tasks that run change what they wait for'),
  ),
})
