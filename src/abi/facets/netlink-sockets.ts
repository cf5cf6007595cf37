import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const netlinkSockets = facet<Readonly<Record<string, string>>>({
  name: 'netlink-sockets',
  title: 'netlink sockets: family, port and groups',
  manual: 'netlink(7)',
  scope: 'task',
  read(task) {
    const rows = task.workload.host.netlinkSocketsOf(task)
    return Object.fromEntries(
      task.workload.firstHeld(task, 'socket').flatMap(({ fd, inode }) => {
        const row = rows.get(inode)
        return row ? [[String(fd), `family ${row.family} port ${row.port} groups ${row.groups}`]] : []
      }),
    )
  },
  compare: byCommonKey((fd) => `fd ${fd}`),
})
