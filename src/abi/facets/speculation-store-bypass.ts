import { unlessKernelDiffers } from '../compare.ts'
import { facet } from '../types.ts'

export const speculationStoreBypass = facet({
  name: 'speculation-store-bypass',
  title: 'speculative store bypass',
  manual: 'PR_SET_SPECULATION_CTRL(2const)',
  scope: 'thread',
  read: (thread) => thread.status('Speculation_Store_Bypass'),
  compare: unlessKernelDiffers('what the kernel mitigates by itself'),
})
