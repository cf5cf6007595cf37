import { fields, same } from '../compare.ts'
import { facet } from '../types.ts'

type Queues = { readonly thread: string; readonly process: string }

export const signalQueues = facet<Queues>({
  name: 'signal-queues',
  title: 'pending signals with sender, code and value',
  manual: 'PTRACE_PEEKSIGINFO(2const)',
  scope: 'thread',
  strictOnly: true,
  read(thread) {
    const { threadQueue = '', processQueue = '' } = thread.probed('ptrace')
    return { thread: threadQueue, process: processQueue }
  },
  compare: fields<Queues>({ thread: same(), process: same() }),
})
