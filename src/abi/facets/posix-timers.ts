import { type PosixTimer, parsePosixTimers } from '../../proc/posix-timers.ts'
import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const posixTimers = facet<Readonly<Record<string, PosixTimer>>>({
  name: 'posix-timers',
  title: 'POSIX timers: signal, who is told, clock',
  manual: 'proc_pid_timers(5)',
  scope: 'task',
  read: (task) => parsePosixTimers(task.proc.text('timers')),
  compare: byKey((id) => `timer ${id}`),
})
