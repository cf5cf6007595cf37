import { Command } from 'commander'
import { Failure } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { openSwap, readReport } from '../swap/store.ts'
import { createOutput } from './output.ts'
import { requireRoot } from './root.ts'

/** `kernelswap report`: how a swap went. */
export function reportCommand(): Command {
  return new Command('report')
    .summary('tell how a swap went')
    .argument('[id]', 'a swap (default: the latest)')
    .option('--json', 'print one JSON document', false)
    .action(async (id: string | undefined, options: { json: boolean }) => {
      const output = createOutput(options.json)
      requireRoot()
      const swap = await openSwap(id)
      const report = await readReport(swap)
      if (!report)
        throw new Failure(
          'busy',
          `Swap ${swap.id} has no report yet; \`kernelswap status\` tells where it is.`,
        )
      output.result(report, reportText(report))
    })
}
