import { watchFacet } from '../watches.ts'

export const inotify = watchFacet('inotify', 'inotify watches', 'inotify(7)')
