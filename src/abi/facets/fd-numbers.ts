import { combine, differing, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Comparison, Setting } from '../types.ts'

type Kinds = Readonly<Record<string, string>>

export const fdNumbers = facet<Kinds>({
  name: 'fd-numbers',
  title: 'open descriptors and their kind',
  manual: 'proc_pid_fd(5)',
  scope: 'task',
  read: (task) => Object.fromEntries(task.descriptors.map(({ fd, kind }) => [String(fd), kind])),
  compare: (before, after, setting) =>
    combine([
      ...Object.keys(before)
        .filter((fd) => before[fd] !== after[fd])
        .map((fd) => changed(fd, before[fd]!, after[fd], setting)),
      ...Object.keys(after)
        .filter((fd) => !(fd in before))
        .map((fd) => (setting.strict ? differing(`fd ${fd} ${after[fd]}: new`) : explained(OPENED))),
    ]),
})

const OPENED = 'tasks that run open and close descriptors'

/** Connections and files come and go; what a program waits with is there for its whole life. */
function changed(fd: string, was: string, is: string | undefined, setting: Setting): Comparison {
  if (!setting.strict && ['socket', 'file', 'pipe'].includes(was)) return explained(OPENED)
  return differing(is === undefined ? `fd ${fd} ${was}: gone` : `fd ${fd}: ${was} → ${is}`)
}
