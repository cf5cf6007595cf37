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
    return { thread: withoutTimes(threadQueue), process: withoutTimes(processQueue) }
  },
  compare: fields<Queues>({ thread: same(), process: same() }),
})

/**
 * SIGCHLD carries the child's CPU times (sigaction(2), si_utime), which no checkpoint keeps: bytes 32 to 47 of each
 * siginfo, here in hexadecimal.
 */
function withoutTimes(queue: string): string {
  return queue.replace(/\b(11000000[0-9a-f]{56})[0-9a-f]{32}/g, '$1')
}
