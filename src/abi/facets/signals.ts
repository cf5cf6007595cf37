import { bits, byKey } from '../compare.ts'
import { type Facet, facet } from '../facet.ts'
import { pending } from '../pending.ts'
import { bySocket, eachProbedSocket, type PerSocket } from '../sockets.ts'

/** Signals that wait, and what becomes of them. */
export const signals: readonly Facet[] = [
  facet({
    name: 'signals-blocked',
    title: 'blocked signals',
    manual: 'sigprocmask(2)',
    scope: 'thread',
    read: (thread) => thread.blocked,
    compare: bits(1, 'tasks that run block signals for a while'),
  }),
  facet({
    name: 'signals-caught',
    title: 'signals with a handler',
    manual: 'sigaction(2)',
    scope: 'task',
    read: (task) => task.status('SigCgt'),
    compare: bits(1),
  }),
  facet({
    name: 'signals-ignored',
    title: 'ignored signals',
    manual: 'sigaction(2)',
    scope: 'task',
    read: (task) => task.status('SigIgn'),
    compare: bits(1),
  }),
  facet({
    name: 'signals-pending',
    title: 'signals pending for the thread',
    manual: 'signal(7)',
    scope: 'thread',
    read: (thread) => thread.status('SigPnd'),
    compare: pending,
  }),
  facet({
    name: 'signals-pending-process',
    title: 'signals pending for the process',
    manual: 'signal(7)',
    scope: 'task',
    read: (task) => task.status('ShdPnd'),
    compare: pending,
  }),
  facet<PerSocket<Readonly<Record<string, string>>>>({
    name: 'socket-signals',
    title: 'who gets which signal when a socket is ready',
    manual: 'F_SETOWN(2const)',
    scope: 'task',
    read: (task) => eachProbedSocket(task, ({ owner = '', signal = '' }) => ({ owner, signal })),
    compare: bySocket(byKey()),
  }),
]
