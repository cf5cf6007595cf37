import { type Command, Option } from 'commander'
import pRetry from 'p-retry'
import { reportText } from '../report/text.ts'
import { releaseFleetLock } from '../swap/fleet-lock.ts'
import { isGood } from '../swap/journal.ts'
import { withLock } from '../swap/lock.ts'
import { resume } from '../swap/resume.ts'
import { requestOfWayBack } from '../swap/way-back.ts'
import { createOutput } from './output.ts'
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
      // For who calls it behind everything that may have been cut short, and mostly was not.
      .addOption(new Option('--if-any').default(false).hideHelp())
      .action(async (options: { json: boolean; ifAny: boolean }) => {
        const output = createOutput(options.json)
        requireRoot()
        requireSystemd()
        const ended = await withLock(resume)
        if (output.json) output.result(ended?.report ?? null, [])
        else if (ended) for (const line of reportText(ended.report)) output.say(line)
        else if (!options.ifAny) output.say('nothing to resume')
        if (ended && !isGood(ended.report.verdict)) process.exitCode = 1
        // The network may take a while after a boot.
        await pRetry(() => withLock(releaseFleetLock), { retries: 5 })
        if (!ended?.wantsWayBack) return
        output.say('a damaged unit wants the kernel before: swapping back')
        await swapKernel(await requestOfWayBack(false), false, output)
      })
  )
}
