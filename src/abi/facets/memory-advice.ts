import { flaggedRanges } from '../../proc/smaps.ts'
import { isKernels, isSpecial, KERNELS } from '../areas.ts'
import { byKey } from '../compare.ts'
import { facet } from '../facet.ts'

/**
 * Advice that a program gave and that lasts: locked, lock on fault, don't copy on fork, don't dump, wipe on
 * fork, huge pages, no huge pages, mergeable, sequential and random access, no swap reserve, grows down. The
 * other flags are the kernel's own business.
 */
const LASTING = ['lo', 'lf', 'dc', 'dd', 'wf', 'hg', 'nh', 'mg', 'sr', 'rr', 'nr', 'gd']

export const memoryAdvice = facet<Readonly<Record<string, string>>>({
  name: 'memory-advice',
  title: 'advice on memory areas: locked, don’t fork, don’t dump, huge pages, …',
  manual: 'madvise(2)',
  scope: 'task',
  strictOnly: true,
  read: (task) => ({
    ...flaggedRanges(task.smaps, LASTING, (name) => isSpecial({ name })),
    ...Object.fromEntries(task.areas.filter(isSpecial).map(({ start, end }) => [`${start}-${end}`, KERNELS])),
  }),
  compare(before, after, setting) {
    const isPrograms = ([range]: [string, string]) => !isKernels(before[range], after[range])
    const rest = (flags: typeof before) => Object.fromEntries(Object.entries(flags).filter(isPrograms))
    return byKey<string>()(rest(before), rest(after), setting)
  },
})
