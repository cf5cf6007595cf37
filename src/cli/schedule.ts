import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makeDirectory, writeDurably } from '../durable.ts'
import { Failure } from '../errors.ts'
import { paths } from '../paths.ts'
import { type Schedule, serviceName, serviceUnit, timerName, timerUnit } from '../schedule/units.ts'
import { windowSeconds } from '../schedule/window.ts'
import { daemonReload, enableUnit } from '../tools/systemd.ts'
import { nextElapse, timespanSeconds } from '../tools/systemd-analyze.ts'
import { collect } from './options.ts'
import { createOutput } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { scheduleOffCommand } from './schedule-off.ts'
import { scheduleShowCommand } from './schedule-show.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly onCalendar: string[]
  readonly randomDelay?: string
  readonly window: string
  readonly maxOutage?: string
  readonly strict: boolean
}

/** `kernelswap schedule`: swaps by themselves. */
export function scheduleCommand(): Command {
  return new Verb('schedule')
    .summary('swap by itself, in windows, whenever a newer kernel is installed')
    .description(
      'Writes a systemd timer and the service that it starts: `kernelswap run --scheduled`, which swaps if a newer kernel\n' +
        'is installed and the window is still open. A run that was missed is made up for while the window is open.',
    )
    .option(
      '--on-calendar <expression>',
      'when a window opens, such as "Sun 03:00" or "Mon..Fri 02:30 Europe/Berlin"; systemd.time(7) (repeatable)',
      collect,
      [],
    )
    .option('--random-delay <length>', 'start up to this much later, so that many hosts do not start at once')
    .option('--window <length>', 'how long the window stays open', '1h')
    .option('--max-outage <length>', 'refuse where services are expected to stand still for longer')
    .option('--strict', 'hold the restored units stopped until they are compared, bytes of memory too', false)
    .action(async ({ onCalendar, randomDelay, window, maxOutage, strict }: Options) => {
      const schedule = { calendars: onCalendar, randomDelay, window, maxOutage, strict }
      await check(schedule)
      requireRoot()
      requireSystemd()
      await install(schedule)
      createOutput({}).say('scheduled; `kernelswap schedule show` tells when it is next')
    })
    .addCommand(scheduleShowCommand())
    .addCommand(scheduleOffCommand())
}

/** @throws Failure 'usage' for a schedule that could never swap, or whose delay may miss its window. */
async function check({ calendars, randomDelay, window, maxOutage }: Schedule): Promise<void> {
  if (calendars.length === 0)
    throw new Failure('usage', 'Say when: `kernelswap schedule --on-calendar "Sun 03:00"`.')
  for (const calendar of calendars) {
    if ((await nextElapse(calendar, Date.now() / 1000)) === undefined)
      throw new Failure('usage', `"${calendar}" never comes again; name a time to come.`)
  }
  const open = await windowSeconds(window)
  const delay = randomDelay === undefined ? 0 : await timespanSeconds(randomDelay)
  if (delay >= open)
    throw new Failure('usage', `A delay of ${randomDelay} may outlast the window of ${window}; shorten it.`)
  if (maxOutage !== undefined) await timespanSeconds(maxOutage)
}

async function install(schedule: Schedule): Promise<void> {
  await makeDirectory(paths.units, 0o755)
  await writeDurably(join(paths.units, serviceName), serviceUnit(schedule), 0o644)
  await writeDurably(join(paths.units, timerName), timerUnit(schedule), 0o644)
  // Otherwise the new times would be held against the last run of an earlier schedule, and one be made up for at once.
  await rm(join(paths.timerStamps, `stamp-${timerName}`), { force: true })
  await daemonReload()
  await enableUnit(timerName)
}
