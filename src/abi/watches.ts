import { parseWatches, type Watch } from '../proc/fdinfo-kinds.ts'
import { byKeyLoosely, equal, explained, same } from './compare.ts'
import { type Facet, facet } from './facet.ts'
import type { Comparison, Setting } from './types.ts'

/** A facet for the watches of one kind of notification descriptor. */
export function watchFacet(kind: 'inotify' | 'fanotify', title: string, manual: string): Facet {
  return facet<Readonly<Record<string, Watch>>>({
    name: kind,
    title,
    manual,
    scope: 'task',
    read: (task) =>
      Object.fromEntries(
        task
          .descriptorsOf(kind)
          .flatMap(({ fd, info }) => parseWatches(info).map((watch) => [`fd ${fd} ${watch.name}`, watch])),
      ),
    compare: byKeyLoosely('tasks that run change their watches', undefined, sameWatch),
  })
}

function sameWatch(before: Watch, after: Watch, setting: Setting): Comparison {
  if (before.mask !== after.mask) {
    return same<string>((mask) => `mask ${mask}`)(before.mask, after.mask, setting)
  }
  if (before.inode === after.inode && before.device === after.device) return equal()
  if (before.device >>> 20 === 0) return explained('files on tmpfs are new files with the old contents')
  return same<string>((file) => `inode ${file}`)(before.inode, after.inode, setting)
}
