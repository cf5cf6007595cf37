import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const idMaps = facet<Readonly<Record<string, string>>>({
  name: 'id-maps',
  title: 'user and group id maps of its user namespace',
  manual: 'user_namespaces(7)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      ['uid_map', 'gid_map', 'projid_map', 'setgroups'].map((name) => [
        name,
        task.proc.text(name).trim().split(/\s+/).join(' '),
      ]),
    ),
  compare: byKey(),
})
