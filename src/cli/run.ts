import { type Command, Option } from 'commander'
import { Failure } from '../errors.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { type Window, windowSeconds } from '../schedule/window.ts'
import type { Request } from '../swap/plan.ts'
import { timespanSeconds } from '../tools/systemd-analyze.ts'
import { collect, endDescription, eventsOption } from './options.ts'
import { swapOrReboot } from './or-reboot.ts'
import { createOutput, type Output } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { findDueKernel, runScheduled } from './scheduled.ts'
import { type Stayed, swapKernel } from './swap-kernel.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly kernel?: string
  readonly restart: string[]
  readonly restartRefused: boolean
  readonly end: string[]
  readonly strict: boolean
  readonly maxOutage?: string
  readonly orReboot: boolean
  readonly scheduled: boolean
  readonly onCalendar: string[]
  readonly window: string
  readonly yes: boolean
  readonly evacuate?: string
  readonly handOver: boolean
  readonly json: boolean
  readonly events: boolean
}

/** `kernelswap run`: the swap. */
export function runCommand(): Command {
  return (
    new Verb('run')
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
      .option('--restart-refused', 'the same for every unit that cannot be carried', false)
      .option('--end <name>', endDescription, collect, [])
      .option(
        '--strict',
        'hold the restored units stopped until they are compared, bytes of memory too',
        false,
      )
      .option('--evacuate <directory>', 'with --host: keep a copy of the checkpoint here before the jump')
      // What `--evacuate` becomes over there.
      .addOption(new Option('--hand-over').default(false).hideHelp())
      .option(
        '--max-outage <length>',
        'refuse where services are expected to stand still for longer, such as 20s; earlier swaps of this host tell',
      )
      .option(
        '--or-reboot',
        'swap to a newer kernel; where there is none, or the swap is refused or aborted, reboot instead (exit code 0)',
        false,
      )
      .option('--scheduled', 'swap only if a newer kernel is installed, without a question', false)
      .option(
        '--on-calendar <expression>',
        'with --scheduled: only in the window that opens then, such as "Sun 03:00" (repeatable)',
        collect,
        [],
      )
      .option('--window <length>', 'how long that window stays open', '1h')
      .option('--yes', 'do not ask', false)
      .option('--json', 'print one JSON document', false)
      .addOption(eventsOption())
      .action(async (units: string[], options: Options) => {
        const output = createOutput(options)
        requireRoot()
        requireSystemd()
        const { kernel, restart, restartRefused, end, strict, orReboot, scheduled, handOver } = options
        if (options.evacuate !== undefined)
          throw new Failure('usage', '--evacuate needs --host, which says from where the checkpoint comes.')
        const maxOutage =
          options.maxOutage === undefined ? undefined : await timespanSeconds(options.maxOutage)
        const request = {
          units,
          kernel,
          restart,
          restartRefused,
          // A reboot would end them as well, and not by their own rules.
          end: orReboot ? [...end, 'session', 'container', 'unknown'] : end,
          trial: true,
          strict,
          maxOutage,
          evacuate: handOver,
        }
        if (!scheduled) {
          await swap(request, !options.yes, orReboot, output)
          return
        }
        if (kernel !== undefined)
          throw new Failure('usage', '--scheduled chooses the kernel itself; leave --kernel out.')
        const window = await windowOf(options)
        await runScheduled(
          window,
          (due) => swap({ ...request, kernel: due }, false, orReboot, output),
          output,
        )
      })
  )
}

async function windowOf({ onCalendar, window }: Options): Promise<Window | undefined> {
  return onCalendar.length === 0 ? undefined : { calendars: onCalendar, seconds: await windowSeconds(window) }
}

async function swap(
  request: Request,
  mustAgree: boolean,
  orReboot: boolean,
  output: Output,
): Promise<Stayed | undefined> {
  if (!orReboot) return swapKernel(request, mustAgree, output)
  const toNewer = async () =>
    swapKernel({ ...request, kernel: request.kernel ?? (await newerKernel()) }, mustAgree, output)
  await swapOrReboot(toNewer, output)
}

/** Who wants a reboot isn't served by a swap to an older kernel. */
async function newerKernel(): Promise<string> {
  const kernel = await findDueKernel()
  if (kernel !== undefined) return kernel
  throw new Failure(
    'refused',
    `No kernel newer than ${runningKernel()} is installed; there is nothing to swap to.`,
  )
}
