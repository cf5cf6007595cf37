import { byKey, combine, unlessKernelDiffers } from '../compare.ts'
import { facet } from '../types.ts'

type Attributes = Readonly<Record<string, string>>

export const schedAttributes = facet<Attributes>({
  name: 'sched-attributes',
  title: 'scheduling flags, deadline parameters and utilisation clamps',
  manual: 'sched_setattr(2)',
  scope: 'thread',
  read: (thread) => thread.probed('sched'),
  compare: ({ runtime: was = '', ...before }, { runtime: is = '', ...after }, setting) =>
    combine([
      byKey()(before, after, setting),
      unlessKernelDiffers<string>('each release has its own default time slice')(was, is, setting),
    ]),
})
