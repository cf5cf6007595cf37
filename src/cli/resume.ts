import { type Command, Option } from 'commander'
import pRetry from 'p-retry'
import type { Report } from '../report/report.ts'
import { reportText } from '../report/text.ts'
import { releaseFleetLock } from '../swap/announce/fleet-lock.ts'
import { isGood } from '../swap/journal.ts'
import { withLock } from '../swap/lock.ts'
import { resume } from '../swap/resume.ts'
import { notingFailure } from '../swap/resume-failure.ts'
import { requestOfWayBack } from '../swap/way-back.ts'
import { eventsOption } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { swapKernel } from './swap-kernel.ts'
import { Verb } from './verb.ts'

/** `kernelswap resume`: finish what a jump or a crash left open; kernelswap-settle.service calls it. */
export function resumeCommand(): Command {
  return (
    new Verb('resume')
      .summary('finish what a jump or a crash left open')
      .description(
        'Verifies and settles a swap after its jump, or takes back one that was cut short. Runs at boot by itself.',
      )
      .option('--json', 'print one JSON document', false)
      .addOption(eventsOption())
      // For who calls it behind everything that may have been cut short, and mostly was not.
      .addOption(new Option('--if-any').default(false).hideHelp())
      .action(async (options: { json: boolean; events: boolean; ifAny: boolean }) => {
        const output = createOutput(options)
        requireRoot()
        requireSystemd()
        const ended = await withLock(() => notingFailure(() => resume({ tell: output.tell })))
        tellEnd(ended?.report, options.ifAny, output)
        if (ended && !isGood(ended.report.verdict)) process.exitCode = 1
        // The network may take a while after a boot.
        await pRetry(() => withLock(releaseFleetLock), { retries: 5 })
        if (!ended?.wantsWayBack) return
        output.say('a damaged unit wants the kernel before: swapping back')
        await swapKernel(await requestOfWayBack(false), false, output)
      })
  )
}

/** For people it is no result, but how the unit that calls it has fared. */
function tellEnd(report: Report | undefined, ifAny: boolean, output: Output): void {
  if (output.format === 'json') output.result(report ?? null, [])
  else if (report && output.format === 'events') output.conclude({ kind: 'report', report }, [])
  else if (report) for (const line of reportText(report)) output.say(line)
  else if (!ifAny) output.say('nothing to resume')
}
