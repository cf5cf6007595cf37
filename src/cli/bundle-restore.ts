import { Command } from 'commander'
import type { BundleIndex } from '../archive/bundle.ts'
import { Failure, messageOf } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { restoreAtReboot, restoredReport, takeBundle } from '../swap/bundle/restore.ts'
import { isGood } from '../swap/journal.ts'
import { withLock } from '../swap/lock.ts'
import { resume } from '../swap/resume.ts'
import type { Swap } from '../swap/store.ts'
import { runInUnit } from '../swap/unit.ts'
import { reboot } from '../tools/systemd.ts'
import { confirm } from './confirm.ts'
import { untilInterrupted } from './interruption.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'

interface Options {
  readonly reboot: boolean
  readonly yes: boolean
  readonly json: boolean
}

/** `kernelswap bundle restore`: for a host that never came back, or came back cold. */
export function bundleRestoreCommand(): Command {
  return new Command('restore')
    .summary('bring the units of a bundle back to life on this host')
    .description(
      'For when the host of a bundle was lost, or came back cold. Checks that this host can take it, reads the bundle to\n' +
        'its end, stops its units and restores them as a landing does, in the running kernel: same PIDs, memory, files on\n' +
        'tmpfs and sockets. Then the report tells how each came out.\n' +
        'The files on disk that the units work on must be as they were when the checkpoint was taken: a database that has\n' +
        'run since then would be damaged. A connection goes on if its peer still has it, and is reset otherwise.\n' +
        'Exit code 0: all are back; 1: a unit had to start cold, or differs (degraded), or the bundle is refused; 3: this\n' +
        'host cannot take it, with the reason, and nothing was touched; 5: a unit is not back and waits for your decision.',
    )
    .argument('<file>', 'a bundle that `run --evacuate` made')
    .option(
      '--reboot',
      'reboot, and restore in that boot: for PIDs that are taken now; `kernelswap report` tells afterwards',
      false,
    )
    .option('--yes', 'do not ask', false)
    .option('--json', 'print one JSON document', false)
    .action(async (file: string, options: Options) => {
      const output = createOutput(options)
      requireRoot()
      requireSystemd()
      const swap = await untilInterrupted((signal) => {
        const agree = async (index: BundleIndex) => {
          if (!options.yes) await confirm(question(options.reboot), warning(index), signal)
          output.say(`reading ${file}`)
        }
        return withLock(() => takeBundle({ file, atReboot: options.reboot, agree, signal }))
      })
      if (options.reboot) {
        await withLock(() => rebootInto(swap))
        const then = `rebooting; afterwards \`kernelswap report ${swap.id}\` tells how it went`
        output.result({ schema: 'kernelswap.restore/1', id: swap.id }, [then])
        return
      }
      output.say('restoring')
      await runInUnit(swap, output.tell)
      const report = await restoredReport(swap)
      output.result(report, reportText(report))
      if (!isGood(report.verdict)) process.exitCode = 1
    })
}

/** A restore that waits for a reboot which nobody knows of would put old memory over files that have gone on. */
async function rebootInto(swap: Swap): Promise<void> {
  await restoreAtReboot(swap)
  try {
    await reboot()
  } catch (error) {
    await resume()
    const why = `The host does not reboot, so the restore was taken back: ${messageOf(error)}; run it again.`
    throw new Failure('failed', why, { cause: error })
  }
}

function warning({ id, host, units }: BundleIndex): string[] {
  return [
    `${units.join(', ')} come back as they were on ${host} (swap ${id}); what they have in memory now is lost.`,
    'Their files on disk must be as they were then, and the bundle from a host that you trust: what is in it runs here.',
  ]
}

function question(atReboot: boolean): string {
  return atReboot ? 'Reboot this host and restore?' : 'Restore?'
}
