import { parseAuxv } from '../../proc/auxv.ts'
import { combine, explained, isSame, same } from '../compare.ts'
import { facet } from '../facet.ts'

/** AT_HWCAP, AT_SYSINFO_EHDR, AT_HWCAP2, AT_RSEQ_*, AT_MINSIGSTKSZ: what a kernel tells of itself. */
const KERNELS_OWN = ['16', '26', '27', '28', '33', '51']

export const auxv = facet<Readonly<Record<string, string>>>({
  name: 'auxv',
  title: 'auxiliary vector',
  manual: 'getauxval(3)',
  scope: 'task',
  read: (task) => parseAuxv(task.proc.bytes('auxv')),
  compare(before, after, setting) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return combine(
      keys
        .filter((key) => !isSame(before[key], after[key]))
        .map((key) =>
          KERNELS_OWN.includes(key) && !setting.sameKernel
            ? explained('a kernel describes its vDSO and its processor support itself')
            : same<string>((value) => `type ${key} ${value}`)(before[key] ?? '', after[key] ?? '', setting),
        ),
    )
  },
})
