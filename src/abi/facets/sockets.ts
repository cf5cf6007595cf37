import { movesWhenRunning, same } from '../compare.ts'
import { type Facet, facet } from '../facet.ts'
import { byOption } from '../options.ts'
import {
  bySocket,
  eachProbedSocket,
  eachSocket,
  isListening,
  isTcp,
  isUdp,
  mayArrive,
  optionsOf,
  type PerSocket,
} from '../sockets.ts'

/** Sockets whose state is one field. */
export const sockets: readonly Facet[] = [
  facet<PerSocket<number>>({
    name: 'accept-queues',
    title: 'connections that wait to be accepted',
    manual: 'accept(2)',
    scope: 'task',
    read: (task) => eachSocket(task, isListening, ({ receiveQueue }) => receiveQueue),
    compare: bySocket(
      movesWhenRunning(
        'tasks that run accept connections',
        mayArrive((waiting) => waiting === 0),
      ),
    ),
  }),
  facet<PerSocket<string>>({
    name: 'tcp-addresses',
    title: 'TCP addresses and ports',
    manual: 'tcp(7)',
    scope: 'task',
    read: (task) => eachSocket(task, isTcp, ({ local, peer }) => `${local} ${peer}`),
    compare: bySocket(same()),
  }),
  facet<PerSocket<string>>({
    name: 'tcp-states',
    title: 'TCP states',
    manual: 'tcp(7)',
    scope: 'task',
    read: (task) => eachSocket(task, isTcp, ({ state }) => state),
    compare: bySocket(movesWhenRunning('peers close connections')),
  }),
  facet<PerSocket<string>>({
    name: 'udp-addresses',
    title: 'UDP addresses and ports, bound and connected',
    manual: 'udp(7)',
    scope: 'task',
    read: (task) => eachSocket(task, isUdp, ({ local, peer, state }) => `${local} ${peer} ${state}`),
    compare: bySocket(same()),
  }),
  facet<PerSocket<Readonly<Record<string, string>>>>({
    name: 'udp-options',
    title: 'UDP options: cork, segmentation',
    manual: 'udp(7)',
    scope: 'task',
    read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'UDP_')),
    compare: bySocket(byOption(() => undefined)),
  }),
  facet<PerSocket<Readonly<Record<string, string>>>>({
    name: 'netlink-options',
    title: 'netlink options and group memberships',
    manual: 'netlink(7)',
    scope: 'task',
    read: (task) => eachProbedSocket(task, (answers) => optionsOf(answers, 'NETLINK_')),
    compare: bySocket(byOption(() => undefined)),
  }),
]
