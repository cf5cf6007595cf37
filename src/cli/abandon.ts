import type { Command } from 'commander'
import { Failure } from '../errors.ts'
import { reportText } from '../report/text.ts'
import { releaseFleetLock } from '../swap/announce/fleet-lock.ts'
import { withLock } from '../swap/lock.ts'
import { resume } from '../swap/resume.ts'
import { confirm } from './confirm.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap abandon`: give up a pending swap. */
export function abandonCommand(): Command {
  return new Verb('abandon')
    .summary('give up a pending swap')
    .description(
      'Ends a swap that has no verdict. Before the jump everything is taken back and nothing is lost. After it, units\n' +
        'that were restored go on, and those that were not start cold: what they had in memory is lost. Their\n' +
        'checkpoints stay on disk. The report names them.',
    )
    .option('--yes', 'do not ask', false)
    .option('--json', 'print one JSON document', false)
    .action(async (options: { yes: boolean; json: boolean }) => {
      const output = createOutput(options)
      requireRoot()
      requireSystemd()
      if (!options.yes)
        await confirm('What could not be restored starts cold and loses its memory. Give up the swap?')
      const ended = await withLock(async () => {
        const ended = await resume({ abandon: true })
        await releaseFleetLock()
        return ended
      })
      if (!ended) throw new Failure('refused', 'No swap is pending; `kernelswap status` lists them.')
      output.result(ended.report, reportText(ended.report))
    })
}
