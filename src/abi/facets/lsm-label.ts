import { isErrno } from '../../errors.ts'
import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'
import type { TaskReader } from '../readers.ts'
import type { Json } from '../types.ts'

const ATTRIBUTES = [
  'current',
  'exec',
  'fscreate',
  'keycreate',
  'sockcreate',
  'apparmor/current',
  'smack/current',
]

export const lsmLabel = facet<Readonly<Record<string, Json>>>({
  name: 'lsm-label',
  title: 'labels of security modules',
  manual: 'proc_pid_attr(5)',
  scope: 'task',
  read: (task) => Object.fromEntries(ATTRIBUTES.map((name) => [name, label(task, name)])),
  compare: byKey(),
})

/** Null where no security module answers for the attribute (EINVAL), which is itself the answer. */
function label(task: TaskReader, name: string): string | null {
  try {
    return task.proc.text(`attr/${name}`).replace(/[\0\n]+$/, '')
  } catch (error) {
    if (isErrno(error, 'EINVAL', 'ENOENT', 'EOPNOTSUPP')) return null
    throw error
  }
}
