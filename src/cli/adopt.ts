import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { makeDirectory, writeDurably } from '../durable.ts'
import { Failure } from '../errors.ts'
import { daemonReload, restartUnit } from '../tools/systemd.ts'
import { serviceName } from '../tools/unit-name.ts'
import { inspectWorkload } from '../workload/kinds.ts'
import { inspectSurroundings } from '../workload/surroundings.ts'
import type { Workload } from '../workload/workload.ts'
import type { Adopted } from './documents.ts'
import { createOutput, type Output } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly undo: boolean
  readonly now: boolean
  readonly json: boolean
}

/** `kernelswap adopt`: make a unit carriable. */
export function adoptCommand(): Command {
  return new Verb('adopt')
    .summary('make a unit carriable')
    .description(
      'Writes the smallest drop-in that lets CRIU checkpoint a unit, and says what the unit gives up by it.\n' +
        'It takes effect with the next restart of the unit.',
    )
    .argument('<unit>', 'the service')
    .option('--undo', 'take the drop-in away', false)
    .option('--now', 'restart the unit at once', false)
    .option('--json', 'print one JSON document', false)
    .action(async (name: string, options: Options) => {
      const output = createOutput(options)
      requireRoot()
      requireSystemd()
      const workload = await inspectWorkload(serviceName(name))
      await (options.undo ? undo(workload, options, output) : adopt(workload, options, output))
    })
}

async function adopt(workload: Workload, options: Options, output: Output): Promise<void> {
  const { unit } = workload
  const settings = workload.adoptions(await inspectSurroundings())
  if (settings.length > 0) {
    const file = dropInOf(unit)
    await makeDirectory(dirname(file), 0o755)
    const lines = settings.map(({ setting }) => setting)
    await writeDurably(
      file,
      ['# Written by `kernelswap adopt`.', '[Service]', ...lines, ''].join('\n'),
      0o644,
    )
    await reload(unit, options)
  }
  const said = settings.map(({ setting, givesUp }) => `${unit}: ${setting}: ${givesUp}`)
  const restarted = options.now && settings.length > 0
  const document: Adopted = { schema: 'kernelswap.adopt/1', unit, settings: [...settings], restarted }
  output.result(
    document,
    settings.length === 0 ? [`${unit} needs nothing`] : [...said, ...restartAdvice(unit, options)],
  )
}

async function undo({ unit }: Workload, options: Options, output: Output): Promise<void> {
  await rm(dropInOf(unit)).catch(() => {
    throw new Failure('refused', `${unit} is not adopted; \`kernelswap adopt ${unit}\` does it.`)
  })
  await reload(unit, options)
  const document: Adopted = { schema: 'kernelswap.adopt/1', unit, settings: [], restarted: options.now }
  output.result(document, [`${unit} has its own settings again`, ...restartAdvice(unit, options)])
}

function dropInOf(unit: string): string {
  return join('/etc/systemd/system', `${unit}.d`, 'kernelswap-adopt.conf')
}

async function reload(unit: string, options: Options): Promise<void> {
  await daemonReload()
  if (options.now) await restartUnit(unit)
}

function restartAdvice(unit: string, options: Options): string[] {
  return options.now ? [] : [`one restart is needed for it to take effect: systemctl restart ${unit}`]
}
