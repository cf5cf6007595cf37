import type { Configuration } from '../../config/configuration.ts'
import { messageOf } from '../../errors.ts'
import { startsKernel, thisBootLoader } from '../../os/boot-loaders.ts'
import { installedKernels } from '../../os/distributions.ts'
import { runningKernel } from '../../os/kernel-release.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import type { Verdict } from '../journal.ts'
import { kexecObstacles } from '../phases/check.ts'
import { endedSwaps } from '../store.ts'
import { findFallback } from './fallback.ts'
import { kernelObstacles } from './kernels.ts'

/** An installed kernel, and what a swap to it would meet. */
export interface ListedKernel {
  readonly release: string
  readonly running: boolean
  /** The boot loader starts it at an ordinary boot. */
  readonly default: boolean
  readonly newest: boolean
  /** A swap goes there where no other is named. */
  readonly target: boolean
  /** What keeps a swap from going there. */
  readonly obstacles: readonly Obstacle[]
  /** Earlier swaps to it, the latest first. */
  readonly swaps: readonly { readonly id: string; readonly verdict: Verdict }[]
}

/** The installed kernels, the oldest first. */
export interface KernelList {
  readonly schema: 'kernelswap.kernels/1'
  readonly running: string
  readonly kernels: readonly ListedKernel[]
  /** What keeps this host from a swap to any kernel. What services need, the plan tells. */
  readonly host: readonly Obstacle[]
  /** Why it isn't known what the boot loader starts, null where it is. */
  readonly unknownDefault: string | null
}

/** Lists the installed kernels. Reads only. */
export async function listKernels({ fallback }: Pick<Configuration, 'fallback'>): Promise<KernelList> {
  const installed = await installedKernels()
  const running = runningKernel()
  const swaps = await swapsByKernel()
  const loader = await bootDefault(installed)
  const target = installed.filter((release) => release !== running).at(-1)
  const list = async (release: string): Promise<ListedKernel> => ({
    release,
    running: release === running,
    default: release === loader.release,
    newest: release === installed.at(-1),
    target: release === target,
    obstacles: await kernelObstacles(release),
    swaps: swaps.get(release) ?? [],
  })
  return {
    schema: 'kernelswap.kernels/1',
    running,
    kernels: await Promise.all(installed.map(list)),
    host: [...(await kexecObstacles()), ...(await findFallback(running, fallback)).obstacles],
    unknownDefault: loader.unknown,
  }
}

/** Which kernel the boot loader starts by default, or why that isn't known. */
async function bootDefault(
  installed: readonly string[],
): Promise<{ release: string | undefined; unknown: string | null }> {
  try {
    const entry = await (await thisBootLoader())?.defaultEntry()
    if (entry === undefined) return { release: undefined, unknown: 'no boot loader tells' }
    const release = installed.find((each) => startsKernel(each, entry.linux))
    const foreign = `${entry.id} starts ${entry.linux || 'no Linux'}, which is none of these`
    return { release, unknown: release === undefined ? foreign : null }
  } catch (error) {
    return { release: undefined, unknown: messageOf(error) }
  }
}

async function swapsByKernel(): Promise<Map<string, { id: string; verdict: Verdict }[]>> {
  const swaps = new Map<string, { id: string; verdict: Verdict }[]>()
  for await (const { swap, report } of endedSwaps()) {
    // What came out of a bundle swapped no kernel.
    if (swap.plan.bundle) continue
    const { to } = swap.plan.kernel
    swaps.set(to, [...(swaps.get(to) ?? []), { id: swap.id, verdict: report.verdict }])
  }
  return swaps
}
