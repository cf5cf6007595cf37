import type { Command } from 'commander'
import { withLock } from '../swap/lock.ts'
import { requestOfWayBack, returnFromLanding } from '../swap/way-back.ts'
import { collect, endDescription, eventsOption } from './options.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { swapKernel } from './swap-kernel.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly end: string[]
  readonly strict: boolean
  readonly yes: boolean
  readonly json: boolean
  readonly events: boolean
}

/** `kernelswap back`: to the kernel before. */
export function backCommand(): Command {
  return new Verb('back')
    .summary('swap back to the kernel before')
    .description(
      'Swaps back to the kernel that the last swap came from, and carries the same units as they are now. Where a\n' +
        'landing waits for a decision instead, it returns at once with the checkpoint that it holds.',
    )
    .option('--strict', 'hold the restored units stopped until they are compared, bytes of memory too', false)
    .option('--end <name>', endDescription, collect, [])
    .option('--yes', 'do not ask', false)
    .option('--json', 'print one JSON document', false)
    .addOption(eventsOption())
    .action(async ({ strict, end, yes, ...format }: Options) => {
      const output = createOutput(format)
      requireRoot()
      requireSystemd()
      await withLock(returnFromLanding)
      await swapKernel({ ...(await requestOfWayBack(strict)), end }, !yes, output)
    })
}
