import { parseSiginfo, type Siginfo } from '../../proc/siginfo.ts'
import { IDLE_STOP, isIdleStop, isStopNotice, STOP_NOTICE, whyArrived } from '../arrived.ts'
import { combine, differing, explained, fields } from '../compare.ts'
import { facet } from '../facet.ts'
import type { Comparison, Setting } from '../types.ts'

type Queues = { readonly thread: string; readonly process: string }

/**
 * A signal that was pending must be pending still. One that came while the tasks were held is right where it is known
 * to come from outside of them: `whyArrived`.
 */
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
  compare: fields<Queues>({ thread: compareQueues, process: compareQueues }),
})

/**
 * SIGCHLD carries the child's CPU times (sigaction(2), si_utime), which no checkpoint keeps: bytes 32 to 47 of each
 * siginfo, here in hexadecimal.
 */
function withoutTimes(queue: string): string {
  return queue.replace(/\b(11000000[0-9a-f]{56})[0-9a-f]{32}/g, '$1')
}

function compareQueues(before: string, after: string, { tree }: Setting): Comparison {
  const [was, is] = [bySignal(before), bySignal(after)]
  const signals = [...new Set([...was.keys(), ...is.keys()])]
  return combine(signals.map((signal) => compareSignal(was.get(signal) ?? [], is.get(signal) ?? [], tree)))
}

/** The entries of each signal, the first one first: those of one number are delivered in that order, signal(7). */
function bySignal(queue: string): ReadonlyMap<number, readonly string[]> {
  const grouped = new Map<number, string[]>()
  for (const entry of queue.split(',').filter((one) => one !== '')) {
    const { signal } = parseSiginfo(entry)
    grouped.set(signal, [...(grouped.get(signal) ?? []), entry])
  }
  return grouped
}

function compareSignal(
  before: readonly string[],
  after: readonly string[],
  tree: ReadonlySet<number>,
): Comparison {
  const gained: string[] = []
  let kept = 0
  for (const entry of after) {
    if (entry === before[kept]) kept++
    else gained.push(entry)
  }
  const lost = before.slice(kept)
  return combine([
    ...lost.map((entry) => judgeLost(parseSiginfo(entry))),
    ...gained.map((entry) => judgeGained(parseSiginfo(entry), tree)),
  ])
}

/** The swap's own stops come before the first snapshot as well, and which child is the last to be told of varies. */
function judgeLost(info: Siginfo): Comparison {
  if (isIdleStop(info.signal)) return explained(IDLE_STOP)
  return isStopNotice(info) ? explained(STOP_NOTICE) : differing(`${described(info)} is gone`)
}

function judgeGained(info: Siginfo, tree: ReadonlySet<number>): Comparison {
  if (isIdleStop(info.signal)) return explained(IDLE_STOP)
  const reason = whyArrived(info, tree)
  return reason === undefined ? differing(`${described(info)} is new`) : explained(reason)
}

function described({ signal, code, pid }: Siginfo): string {
  return `signal ${signal} (code ${code}, process ${pid})`
}
