import { Command, Option } from 'commander'
import { Failure } from '../errors.ts'
import { collect } from './options.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { swapKernel } from './swap-kernel.ts'

interface Options {
  readonly kernel?: string
  readonly restart: string[]
  readonly strict: boolean
  readonly yes: boolean
  readonly evacuate?: string
  readonly handOver: boolean
  readonly json: boolean
}

/** `kernelswap run`: the swap. */
export function runCommand(): Command {
  return (
    new Command('run')
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
      .option(
        '--restart <unit>',
        'stop this unit before the swap and start it after (repeatable)',
        collect,
        [],
      )
      .option(
        '--strict',
        'hold the restored units stopped until they are compared, bytes of memory too',
        false,
      )
      .option('--evacuate <directory>', 'with --host: keep a copy of the checkpoint here before the jump')
      // What `--evacuate` becomes over there.
      .addOption(new Option('--hand-over').default(false).hideHelp())
      .option('--yes', 'do not ask', false)
      .option('--json', 'print one JSON document', false)
      .action(async (units: string[], options: Options) => {
        const output = createOutput(options.json)
        requireRoot()
        requireSystemd()
        const { kernel, restart, strict, yes, evacuate, handOver } = options
        if (evacuate !== undefined)
          throw new Failure('usage', '--evacuate needs --host, which says from where the checkpoint comes.')
        await swapKernel({ units, kernel, restart, trial: true, strict, evacuate: handOver }, !yes, output)
      })
  )
}
