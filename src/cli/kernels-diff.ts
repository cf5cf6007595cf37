import type { Command } from 'commander'
import { compareKernels } from '../kernel/comparison.ts'
import { comparisonLines } from '../kernel/text.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { chooseKernel } from '../swap/host/kernels.ts'
import { createOutput } from './output.ts'
import { Verb } from './verb.ts'

/** `kernelswap kernels diff`: what changes with a kernel. */
export function kernelsDiffCommand(): Command {
  return new Verb('diff')
    .summary('tell what changes from one kernel to another')
    .description(
      'Counts the fixes between two kernels and names their CVE numbers, by the changelog of the package, and compares\n' +
        'how both lay out their data, by their own description of their types (BTF), modules included. `same layout`:\n' +
        'a live patch could have done this as far as data is concerned. `layout changed`: it could not.',
    )
    .argument(
      '[from]',
      "an installed kernel as `uname -r` prints it, or a package's .deb (default: the one that runs)",
    )
    .argument('[to]', 'another one (default: the newest installed, not running)')
    .option('--json', 'print one JSON document, with every structure and every number', false)
    .action(async (from: string | undefined, to: string | undefined, options: { json: boolean }) => {
      const output = createOutput(options)
      const comparison = await compareKernels(
        from ?? runningKernel(),
        to ?? (await chooseKernel(undefined)),
        output.say,
      )
      const names = [comparison.from, comparison.to].map(({ release }) => release)
      output.result(comparison, [names.join(' → '), ...comparisonLines(comparison)])
    })
}
