import { IDLE_STOP, isIdleStop } from './arrived.ts'
import { changedBits, combine, differing, explained } from './compare.ts'
import type { Compare, Comparison } from './types.ts'

/** SIGCHLD of signal(7): the swap stops children, and the kernel tells their parents. */
const SIGCHLD = 17

/**
 * Compares masks of pending signals. While the tasks are held none may be lost; one more has arrived meanwhile, and
 * whether that is right the facet `signal-queues` tells, which knows who sent it. The same holds for SIGCHLD, which
 * the swap itself causes.
 */
export const pending: Compare<string> = (before, after, { strict }) => {
  const { gone, come } = changedBits(before, after, 1)
  if (!strict && before !== after) return explained('tasks that run take their signals')
  return combine([...gone.map(lost), ...(come.length > 0 ? [explained(ARRIVED)] : [])])
}

function lost(signal: number): Comparison {
  if (isIdleStop(signal)) return explained(IDLE_STOP)
  return signal === SIGCHLD ? explained(TOLD_BY_QUEUE) : differing(`${signal} no longer set`)
}

const TOLD_BY_QUEUE = 'stopping tasks sends SIGCHLD; signal-queues tells which was pending'
const ARRIVED = 'signals arrive while the tasks are held; signal-queues tells from whom'
