import type { Command } from 'commander'
import { loadConfiguration } from '../config/configuration.ts'
import { type KernelList, type ListedKernel, listKernels } from '../swap/host/kernel-list.ts'
import { createOutput, table } from './output.ts'
import { requireRoot } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap kernels list`: which kernels there are. */
export function kernelsListCommand(): Command {
  return new Verb('list')
    .summary('list the installed kernels (default)')
    .description(
      'Lists the installed kernels, the oldest first: which one runs, which the boot loader starts by default, which is\n' +
        'the newest and the target of a swap; whether a swap to it is possible, and why not; how earlier swaps to it went.\n' +
        'Changes nothing. What services need, `kernelswap plan` tells.',
    )
    .option('--json', 'print one JSON document', false)
    .action(async (options: { json: boolean }) => {
      const output = createOutput(options)
      requireRoot()
      const list = await listKernels(await loadConfiguration())
      output.result(list, listText(list))
    })
}

/** The list for people. */
export function listText({ running, kernels, host, unknownDefault }: KernelList): string[] {
  const rows = kernels.map((kernel) => [kernel.release, marks(kernel), swapTo(kernel), earlier(kernel)])
  return [
    ...(kernels.some((kernel) => kernel.running)
      ? []
      : [`running kernel ${running}, which is not installed`]),
    ...(rows.length === 0
      ? ['no kernel is installed']
      : table([['KERNEL', 'IS', 'SWAP TO IT', 'EARLIER SWAPS TO IT'], ...rows])),
    ...(unknownDefault === null ? [] : [`default of the boot loader: not known: ${unknownDefault}`]),
    ...host.map(({ reason, remedy }) => `no swap: ${reason}; remedy: ${remedy}`),
  ]
}

function marks(kernel: ListedKernel): string {
  return (['running', 'default', 'newest', 'target'] as const).filter((mark) => kernel[mark]).join(', ')
}

function swapTo({ running, obstacles: [obstacle] }: ListedKernel): string {
  if (obstacle) return `not possible: ${obstacle.reason}; remedy: ${obstacle.remedy}`
  return running ? 'it runs' : 'possible'
}

/** How often which verdict, and the latest. */
function earlier({ swaps }: ListedKernel): string {
  const [latest] = swaps
  if (!latest) return 'none'
  const verdicts = [...new Set(swaps.map(({ verdict }) => verdict))]
  const counted = verdicts.map((each) => `${swaps.filter(({ verdict }) => verdict === each).length} ${each}`)
  return `${counted.join(', ')}; latest ${latest.id}: ${latest.verdict}`
}
