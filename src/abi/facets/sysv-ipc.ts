import { parseSysvTable } from '../../proc/sysv-ipc.ts'
import { byKeyLoosely } from '../compare.ts'
import { facet } from '../facet.ts'
import { byOption } from '../options.ts'

type Facts = Readonly<Record<string, string>>

const RUNNING = 'tasks that run make and remove objects'
/** Bytes and messages that wait in a queue. */
const WAITING = ['cbytes', 'qnum']
/** Rights of the group, in the octal mode that the tables print. */
const GROUP = 0o070

/** The host's own objects are not part of a workload. */
export const sysvIpc = facet<Readonly<Record<string, Facts>>>({
  name: 'sysv-ipc',
  title: 'System V segments, semaphores and queues of an own IPC namespace',
  manual: 'sysvipc(7)',
  scope: 'task',
  read(task) {
    if (!task.workload.isFirstInOwn('ipc', task)) return {}
    const view = task.workload.viewOf(task)
    return Object.fromEntries(
      (['shm', 'sem', 'msg'] as const).flatMap((table) =>
        parseSysvTable(view[table]).map(({ id, facts }) => [`${table} ${id}`, facts]),
      ),
    )
  },
  compare: byKeyLoosely(
    RUNNING,
    (key) => key,
    (before, after, setting) =>
      byOption((name) =>
        !setting.strict && WAITING.includes(name) ? RUNNING : recreated(name, before, after),
      )(before, after, setting),
  ),
})

/**
 * CRIU makes the objects anew, as root, and then gives them their owner and mode: nothing but making one sets its
 * creator. Rights belong to owner and creator alike (sysvipc(7)), so nobody loses any where the two were the same, and
 * nobody gains any but root, and root's group where the mode gives the group something.
 */
function recreated(name: string, before: Facts, after: Facts): string | undefined {
  const wasOwner = before.cuid === before.uid && before.cgid === before.gid
  const givesGroup = (Number.parseInt(before.perms ?? '0', 8) & GROUP) !== 0
  const isHarmless = (name === 'cuid' && wasOwner) || (name === 'cgid' && wasOwner && !givesGroup)
  return isHarmless && after[name] === '0'
    ? 'CRIU makes the objects anew as root; their owner, who was the creator, keeps the rights'
    : undefined
}
