import { byCommonKey } from '../compare.ts'
import { facet } from '../facet.ts'

export const memfdSeals = facet<Readonly<Record<string, string>>>({
  name: 'memfd-seals',
  title: 'seals of memory files, as a mask of F_SEAL_*',
  manual: 'memfd_create(2)',
  scope: 'task',
  read: (task) =>
    Object.fromEntries(
      task.descriptorsOf('memfd').map(({ fd }) => [String(fd), task.probed('memfd', fd).seals ?? '']),
    ),
  compare: byCommonKey((fd) => `fd ${fd}`),
})
