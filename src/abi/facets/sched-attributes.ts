import { byKey, combine, explained, prefixed, same, unlessKernelDiffers } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Compare } from '../types.ts'

type Attributes = Readonly<Record<string, string>>

/** The highest clamp (SCHED_CAPACITY_SCALE) unless the task has one; kernels without clamps always say 0. */
const unclamped = '1024'

const highestClamp: Compare<string> = (before, after, setting) =>
  !setting.sameKernel && [before, after].sort().join() === `0,${unclamped}`
    ? explained('one of the kernels has no utilisation clamps (CONFIG_UCLAMP_TASK)')
    : same<string>()(before, after, setting)

export const schedAttributes = facet<Attributes>({
  name: 'sched-attributes',
  title: 'scheduling flags, deadline parameters and utilisation clamps',
  manual: 'sched_setattr(2)',
  scope: 'thread',
  read: (thread) => thread.probed('sched'),
  compare: (
    { runtime: sliceBefore = '', max: maxBefore = '', ...before },
    { runtime: sliceAfter = '', max: maxAfter = '', ...after },
    setting,
  ) =>
    combine([
      byKey()(before, after, setting),
      prefixed('max', highestClamp(maxBefore, maxAfter, setting)),
      unlessKernelDiffers<string>('each release has its own default time slice')(
        sliceBefore,
        sliceAfter,
        setting,
      ),
    ]),
})
