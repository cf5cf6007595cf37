import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { paths } from '../paths.ts'
import { serviceName, timerName } from '../schedule/units.ts'
import { daemonReload, disableUnit } from '../tools/systemd.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap schedule off`: no more swaps by themselves. */
export function scheduleOffCommand(): Command {
  return new Verb('off')
    .summary('end the schedule')
    .description('Takes timer and service away. A swap that is at work goes on.')
    .action(async () => {
      const output = createOutput({})
      requireRoot()
      requireSystemd()
      const timer = join(paths.units, timerName)
      const isThere = await access(timer).then(
        () => true,
        () => false,
      )
      if (!isThere) {
        output.say('nothing is scheduled')
        return
      }
      await disableUnit(timerName)
      for (const file of [
        timer,
        join(paths.units, serviceName),
        join(paths.timerStamps, `stamp-${timerName}`),
      ])
        await rm(file, { force: true })
      await daemonReload()
    })
}
