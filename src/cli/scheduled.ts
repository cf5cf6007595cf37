import { Failure, messageOf } from '../errors.ts'
import { installedKernels } from '../os/distributions.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { dueKernel } from '../schedule/due.ts'
import { isOpen, type Window } from '../schedule/window.ts'
import { tellSkipped } from '../swap/announce/messages.ts'
import { readRebootRequest } from '../swap/announce/reboot-required.ts'
import type { Plan } from '../swap/plan.ts'
import { endedSwaps } from '../swap/store.ts'
import type { Output } from './output.ts'
import type { Stayed } from './swap-kernel.ts'

/**
 * Swaps to the kernel that is due, and tells the journal why where it doesn't. Without a newer kernel there is nothing to
 * do, which is no failure.
 * @param window undefined where any time is good.
 * @throws Failure 'refused' outside the window, and for a kernel that did badly here before; and whatever `swap` throws.
 */
export async function runScheduled(
  window: Window | undefined,
  swap: (kernel: string) => Promise<Stayed | undefined>,
  output: Output,
): Promise<Stayed | undefined> {
  try {
    const kernel = await findDueKernel()
    if (kernel === undefined) return await nothingToDo(output)
    await refuseOutside(window, kernel)
    await refuseAfterBadEnd(kernel)
    const stayed = await swap(kernel)
    if (stayed?.kind === 'refused') await tell(refusalsOf(stayed.plan).join('; '), true)
    return stayed
  } catch (error) {
    await tell(messageOf(error), true)
    throw error
  }
}

/** The kernel that this host should run instead of the one that it does; undefined where that is the newest. */
export async function findDueKernel(): Promise<string | undefined> {
  return dueKernel(await installedKernels(), runningKernel(), (await readRebootRequest()).packages)
}

async function nothingToDo(output: Output): Promise<undefined> {
  const reason = `no kernel newer than ${runningKernel()} is installed`
  output.say(reason)
  await tell(reason, false)
}

/** A journal that takes no message must not keep a host from its swap. */
async function tell(reason: string, isProblem: boolean): Promise<void> {
  await tellSkipped(reason, isProblem).catch(() => {})
}

async function refuseOutside(window: Window | undefined, kernel: string): Promise<void> {
  if (window === undefined || (await isOpen(window, Date.now() / 1000))) return
  throw new Failure(
    'refused',
    `Kernel ${kernel} is due, but its window (${window.calendars.join(', ')}) is closed; the next one tries again.`,
  )
}

/** Night after night the same outage, for a kernel that doesn't do here: somebody has to look first. */
async function refuseAfterBadEnd(kernel: string): Promise<void> {
  for await (const { swap, report } of endedSwaps()) {
    const { id, verdict } = report
    // An aborted one never got there: it tells nothing of the kernel.
    if (swap.plan.kernel.to !== kernel || verdict === 'aborted') continue
    if (verdict === 'swapped') return
    throw new Failure(
      'refused',
      `Swap ${id} to kernel ${kernel} ended as ${verdict}; see \`kernelswap report ${id}\`, then \`kernelswap run\` tries it again.`,
    )
  }
}

/** Why a plan is refused, in a phrase each. */
export function refusalsOf({ host, workloads }: Plan): string[] {
  return [
    ...host.map(({ reason }) => reason),
    ...workloads.flatMap(({ unit, obstacles }) => obstacles.map(({ reason }) => `${unit} ${reason}`)),
  ]
}
