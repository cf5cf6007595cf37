import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { loadConfiguration } from '../config/configuration.ts'
import { Failure } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { withLock } from '../swap/lock.ts'
import { makePlan } from '../swap/phases/check.ts'
import { createSwap, readReport, type Swap } from '../swap/store.ts'
import { runInUnit, stopUnit } from '../swap/unit.ts'
import { collect } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { planText } from './plan.ts'
import { requireRoot, requireSystemd } from './root.ts'

interface Options {
  readonly kernel?: string
  readonly restart: string[]
  readonly strict: boolean
  readonly yes: boolean
  readonly json: boolean
}

/** `kernelswap run`: the swap. */
export function runCommand(): Command {
  return new Command('run')
    .summary('swap the kernel')
    .description(
      'Plans, checkpoints the units, jumps into the target kernel and restores them there. Until the jump any failure\n' +
        'thaws the units and takes everything back (exit code 1). After it, `kernelswap report` tells how it went.',
    )
    .argument('[unit...]', 'services to carry (default: every running service that is not platform)')
    .option(
      '--kernel <version>',
      'target kernel as `uname -r` prints it (default: the newest installed, not running)',
    )
    .option('--restart <unit>', 'stop this unit before the swap and start it after (repeatable)', collect, [])
    .option('--strict', 'hold the restored units stopped until they are compared, bytes of memory too', false)
    .option('--yes', 'do not ask', false)
    .option('--json', 'print one JSON document', false)
    .action(async (units: string[], options: Options) => {
      const output = createOutput(options.json)
      requireRoot()
      requireSystemd()
      const swap = await withLock(() => planSwap(units, options, output))
      if (swap) await follow(swap, output)
    })
}

/** Plans a swap and asks; undefined where the plan refuses. */
async function planSwap(units: string[], options: Options, output: Output): Promise<Swap | undefined> {
  const request = {
    units,
    kernel: options.kernel,
    restart: options.restart,
    trial: true,
    strict: options.strict,
  }
  const plan = await makePlan(request, await loadConfiguration(), output.say)
  if (!plan.ready) {
    output.result(plan, planText(plan))
    process.exitCode = 3
    return undefined
  }
  if (!options.yes) await confirm(planText(plan))
  return createSwap(plan)
}

/** Follows the swap until it was aborted; where it wasn't, the jump ends us too. */
async function follow(swap: Swap, output: Output): Promise<void> {
  process.on('SIGINT', () => void stopUnit())
  process.on('SIGTERM', () => void stopUnit())
  await runInUnit(swap, output.say)
  const report = await readReport(swap)
  if (!report)
    throw new Failure(
      'failed',
      `Swap ${swap.id} ended without a report; \`kernelswap resume\` takes it back.`,
    )
  output.result(report, reportText(report))
  process.exitCode = 1
}

async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Failure('usage', 'There is no terminal to ask on; add --yes to swap without a question.')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question}\n\nSwap the kernel now? [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('failed', 'Nothing was swapped.')
  } finally {
    terminal.close()
  }
}
