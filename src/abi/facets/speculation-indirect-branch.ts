import { unlessKernelDiffers } from '../compare.ts'
import { facet } from '../types.ts'

export const speculationIndirectBranch = facet({
  name: 'speculation-indirect-branch',
  title: 'speculative indirect branches',
  manual: 'PR_SET_SPECULATION_CTRL(2const)',
  scope: 'thread',
  read: (thread) => thread.status('SpeculationIndirectBranch'),
  compare: unlessKernelDiffers('what the kernel mitigates by itself'),
})
