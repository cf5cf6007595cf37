import { same } from '../compare.ts'
import { facet } from '../facet.ts'
import { Unreadable } from '../types.ts'

export const rseq = facet({
  name: 'rseq',
  title: 'restartable sequences area: address and size',
  manual: 'PTRACE_GET_RSEQ_CONFIGURATION(2const)',
  scope: 'thread',
  strictOnly: true,
  read(thread) {
    const { rseq: address, rseqSize } = thread.probed('ptrace')
    if (address === undefined) throw new Unreadable('this kernel doesn’t tell')
    return `${address} ${rseqSize}`
  },
  compare: same(),
})
