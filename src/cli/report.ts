import type { Command } from 'commander'
import { Failure, messageOf } from '../errors.ts'
import { compareKernels } from '../kernel/comparison.ts'
import { comparisonLines } from '../kernel/text.ts'
import type { Beside } from '../report/html/page.ts'
import type { Report } from '../report/report.ts'
import { reportText } from '../report/text.ts'
import { pastOutages } from '../swap/report/history.ts'
import { openSwap, openSwaps, readReport, type Swap } from '../swap/store.ts'
import { sayDamaged } from './damaged.ts'
import { htmlOption, writeHtml } from './html.ts'
import { createOutput } from './output.ts'
import { requireRoot } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap report`: how a swap went. */
export function reportCommand(): Command {
  return new Verb('report')
    .summary('tell how a swap went')
    .argument('[id]', 'a swap (default: the latest)')
    .option('--json', 'print one JSON document', false)
    .addOption(htmlOption())
    .action(async (id: string | undefined, options: { json: boolean; html?: string }) => {
      const output = createOutput(options)
      requireRoot()
      const swap = await (id === undefined ? latestSwap(output.say) : openSwap(id))
      const report = await readReport(swap)
      if (!report)
        throw new Failure(
          'busy',
          `Swap ${swap.id} has no report yet; \`kernelswap status\` tells where it is.`,
        )
      if (options.html !== undefined) await writeHtml(options.html, report, await beside(report, output.say))
      output.result(report, reportText(report))
    })
}

/** What this host knows beside the report. That its kernels can't be compared keeps nobody from it. */
async function beside({ kernel }: Report, say: (line: string) => void): Promise<Beside> {
  const kernels = await compareKernels(kernel.from, kernel.to, say).then(
    comparisonLines,
    (error: unknown) => [`They can't be compared: ${messageOf(error)}`],
  )
  return { history: await pastOutages(), kernels }
}

/** The latest swap that can be opened; of what is damaged the file is told. */
async function latestSwap(say: (line: string) => void): Promise<Swap> {
  await sayDamaged(say)
  const swap = (await openSwaps()).sound.at(-1)
  if (swap) return swap
  throw new Failure('usage', 'There has been no swap yet; `kernelswap run` starts one.')
}
