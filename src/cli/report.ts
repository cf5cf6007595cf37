import type { Command } from 'commander'
import { Failure } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { openSwap, openSwaps, readReport, type Swap } from '../swap/store.ts'
import { sayDamaged } from './damaged.ts'
import { createOutput } from './output.ts'
import { requireRoot } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap report`: how a swap went. */
export function reportCommand(): Command {
  return new Verb('report')
    .summary('tell how a swap went')
    .argument('[id]', 'a swap (default: the latest)')
    .option('--json', 'print one JSON document', false)
    .action(async (id: string | undefined, options: { json: boolean }) => {
      const output = createOutput(options)
      requireRoot()
      const swap = await (id === undefined ? latestSwap(output.say) : openSwap(id))
      const report = await readReport(swap)
      if (!report)
        throw new Failure(
          'busy',
          `Swap ${swap.id} has no report yet; \`kernelswap status\` tells where it is.`,
        )
      output.result(report, reportText(report))
    })
}

/** The latest swap that can be opened; of what is damaged the file is told. */
async function latestSwap(say: (line: string) => void): Promise<Swap> {
  await sayDamaged(say)
  const swap = (await openSwaps()).sound.at(-1)
  if (swap) return swap
  throw new Failure('usage', 'There has been no swap yet; `kernelswap run` starts one.')
}
