import type { Command } from 'commander'
import { loadConfiguration } from '../config/configuration.ts'
import { withLock } from '../swap/lock.ts'
import { makePlan } from '../swap/phases/check.ts'
import { untilInterrupted } from './interruption.ts'
import { collect, endDescription } from './options.ts'
import { createOutput } from './output.ts'
import { planText } from './plan-text.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly kernel?: string
  readonly restart: string[]
  readonly restartRefused: boolean
  readonly end: string[]
  readonly trial: boolean
  readonly json: boolean
}

/** `kernelswap plan`: what would be carried, and what stops it. */
export function planCommand(): Command {
  return new Verb('plan')
    .summary('show what a swap would carry, and what stops it')
    .description(
      'Looks at the units (default: every running service that is not platform), the host and the target kernel,\n' +
        'and takes a trial checkpoint of each unit, which holds it still for a moment. Changes nothing.\n' +
        'Exit code 0: ready; 3: refused, with reason and remedy.',
    )
    .argument('[unit...]', 'services to carry')
    .option(
      '--kernel <version>',
      'target kernel as `uname -r` prints it (default: the newest installed, not running)',
    )
    .option('--restart <unit>', 'stop this unit before the swap and start it after (repeatable)', collect, [])
    .option('--restart-refused', 'the same for every unit that cannot be carried', false)
    .option('--end <name>', endDescription, collect, [])
    .option('--no-trial', 'leave the trial checkpoints out')
    .option('--json', 'print one JSON document', false)
    .action(async (units: string[], options: Options) => {
      const output = createOutput(options)
      requireRoot()
      requireSystemd()
      const request = {
        units,
        kernel: options.kernel,
        restart: options.restart,
        restartRefused: options.restartRefused,
        end: options.end,
        trial: options.trial,
        strict: false,
      }
      const configuration = await loadConfiguration()
      const plan = await untilInterrupted((signal) =>
        withLock(() => makePlan(request, configuration, output.tell, signal)),
      )
      output.result(plan, planText(plan))
      if (!plan.ready) process.exitCode = 3
    })
}
