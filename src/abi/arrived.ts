import type { Siginfo } from '../proc/siginfo.ts'

/** Numbers and codes of signal(7) and sigaction(2), the same on x86-64 and arm64. */
const [SIGALRM, SIGCHLD, SIGURG, SIGIO, FIRST_REAL_TIME] = [14, 17, 23, 29, 32]
const [SI_KERNEL, SI_TIMER] = [0x80, -2]
/** CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED. */
const STOPS = [4, 5, 6]
/** POLL_IN to POLL_HUP. */
const POLLS = [1, 2, 3, 4, 5, 6]

export const STOP_NOTICE = 'the swap stops tasks, of which the kernel tells their parents'

export const ARRIVAL = 'what others send waits for the tasks, which were held'

/** True for what the kernel tells a parent whose child is stopped or goes on: the swap itself does both. */
export function isStopNotice({ signal, code }: Siginfo): boolean {
  return signal === SIGCHLD && STOPS.includes(code)
}

/**
 * Why a signal may have become pending while its task was held stopped: the world around it goes on, and what
 * arrives waits for the task as it would have waited for a task that sleeps.
 * @param tree the workload's processes: those were held too, and none of them can have sent it.
 * @returns undefined for a signal that nothing accounts for.
 */
export function whyArrived(info: Siginfo, tree: ReadonlySet<number>): string | undefined {
  const { signal, code, pid } = info
  if (isStopNotice(info)) return STOP_NOTICE
  if (code === SI_TIMER || (code === SI_KERNEL && signal === SIGALRM)) {
    return `a timer ran out while the tasks were held (signal ${signal})`
  }
  if (isReadiness(info)) return `a descriptor became ready while the tasks were held (signal ${signal})`
  if (isSentByProcess(info) && !tree.has(pid)) {
    return `process ${pid} sent signal ${signal} while the tasks were held`
  }
  return undefined
}

/** F_SETOWN and F_SETSIG, fcntl(2): the chosen real-time signal has a code, SIGIO and SIGURG come from the kernel. */
function isReadiness({ signal, code }: Siginfo): boolean {
  if (signal >= FIRST_REAL_TIME || signal === SIGIO) return POLLS.includes(code) || isKernels(signal, code)
  return isKernels(signal, code)
}

function isKernels(signal: number, code: number): boolean {
  return code === SI_KERNEL && (signal === SIGIO || signal === SIGURG)
}

/** SI_USER, SI_QUEUE and SI_TKILL: kill(2), sigqueue(3), tgkill(2). */
function isSentByProcess({ code }: Siginfo): boolean {
  return code === 0 || code === -1 || code === -6
}

/** SIGSTOP, which no task can block or handle: it is pending for a stopped task alone. */
const SIGSTOP = 19

/**
 * True for a stop that waits for a task which is stopped already: whoever lets it go on takes the stop away (signal(7)), so
 * that it means nothing. CRIU stops what it dumps, whatever state it is in (criu/seize.c).
 */
export function isIdleStop(signal: number): boolean {
  return signal === SIGSTOP
}

export const IDLE_STOP = 'a stop that waits for a stopped task means nothing'
