import { watchFacet } from '../watches.ts'

export const fanotify = watchFacet('fanotify', 'fanotify marks', 'fanotify(7)')
