import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { makeDirectory, writeDurably } from '../durable.ts'
import { Failure, ifMissing } from '../errors.ts'
import { daemonReload, restartUnits } from '../tools/systemd.ts'
import { serviceName } from '../tools/unit-name.ts'
import type { Adoption } from '../workload/adopt.ts'
import { inspectWorkload, inspectWorkloads, runningWorkloads } from '../workload/kinds.ts'
import { inspectSurroundings } from '../workload/surroundings.ts'
import type { Workload } from '../workload/workload.ts'
import { confirm } from './confirm.ts'
import type { Adopted, AdoptedAll } from './documents.ts'
import { createOutput, type Output } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly all: boolean
  readonly undo: boolean
  readonly now: boolean
  readonly yes: boolean
  readonly json: boolean
}

/** `kernelswap adopt`: make units carriable. */
export function adoptCommand(): Command {
  return new Verb('adopt')
    .summary('make a unit carriable')
    .description(
      'Writes the smallest drop-in that lets CRIU checkpoint a unit, and says what the unit gives up by it.\n' +
        'It takes effect with the next restart of the unit.',
    )
    .argument('[unit]', 'the service')
    .option(
      '--all',
      'every running service that needs it, once you have seen which; instead of a unit',
      false,
    )
    .option('--undo', 'take the drop-in away', false)
    .option('--now', 'restart the unit at once', false)
    .option('--yes', 'with --all: do not ask', false)
    .option('--json', 'print one JSON document', false)
    .action(async (name: string | undefined, options: Options) => {
      if ((name === undefined) !== options.all || (options.all && options.undo))
        throw new Failure('usage', 'Name one unit, or say --all; --undo is for one unit.')
      const output = createOutput(options)
      requireRoot()
      requireSystemd()
      if (name === undefined) return await adoptAll(options, output)
      const workload = await inspectWorkload(serviceName(name))
      await (options.undo ? undo(workload, options, output) : adopt(workload, options, output))
    })
}

async function adopt(workload: Workload, options: Options, output: Output): Promise<void> {
  const { unit } = workload
  const settings = workload.adoptions(await inspectSurroundings())
  const restarted = options.now && settings.length > 0
  if (settings.length > 0) {
    await writeDropIn(unit, settings)
    await reload([unit], restarted)
  }
  const document: Adopted = { schema: 'kernelswap.adopt/1', unit, settings: [...settings], restarted }
  output.result(
    document,
    settings.length === 0
      ? [`${unit} needs nothing`]
      : [...told(unit, settings), ...restartAdvice([unit], restarted)],
  )
}

async function adoptAll(options: Options, output: Output): Promise<void> {
  const surroundings = await inspectSurroundings()
  const found = (await inspectWorkloads(await runningWorkloads()))
    .map((workload) => ({ unit: workload.unit, settings: workload.adoptions(surroundings) }))
    .filter(({ settings }) => settings.length > 0)
  const units = found.map(({ unit }) => unit)
  const restarted = options.now && units.length > 0
  const lines = found.flatMap(({ unit, settings }) => told(unit, settings))
  if (units.length > 0) {
    const what = restarted ? 'Write these settings, and restart the units now?' : 'Write these settings?'
    if (!options.yes) await confirm(what, lines)
    for (const { unit, settings } of found) await writeDropIn(unit, settings)
    await reload(units, restarted)
  }
  const document: AdoptedAll = { schema: 'kernelswap.adopt-all/1', units: found, restarted }
  output.result(
    document,
    units.length === 0
      ? ['no running service needs anything']
      : [...lines, ...restartAdvice(units, restarted)],
  )
}

function told(unit: string, settings: readonly Adoption[]): string[] {
  return settings.map(({ setting, givesUp }) => `${unit}: ${setting}: ${givesUp}`)
}

/** What was written before stays: the unit no longer shows that it needs it. */
async function writeDropIn(unit: string, settings: readonly Adoption[]): Promise<void> {
  const file = dropInOf(unit)
  const text = await readFile(file, 'utf8').catch(ifMissing(''))
  const before = text.split('\n').filter((line) => /^\w+=/.test(line))
  const lines = new Set([...before, ...settings.map(({ setting }) => setting)])
  await makeDirectory(dirname(file), 0o755)
  await writeDurably(file, ['# Written by `kernelswap adopt`.', '[Service]', ...lines, ''].join('\n'), 0o644)
}

async function undo({ unit }: Workload, options: Options, output: Output): Promise<void> {
  await rm(dropInOf(unit)).catch(() => {
    throw new Failure('refused', `${unit} is not adopted; \`kernelswap adopt ${unit}\` does it.`)
  })
  await reload([unit], options.now)
  const document: Adopted = { schema: 'kernelswap.adopt/1', unit, settings: [], restarted: options.now }
  output.result(document, [`${unit} has its own settings again`, ...restartAdvice([unit], options.now)])
}

function dropInOf(unit: string): string {
  return join('/etc/systemd/system', `${unit}.d`, 'kernelswap-adopt.conf')
}

async function reload(units: readonly string[], withRestart: boolean): Promise<void> {
  await daemonReload()
  if (withRestart) await restartUnits(units)
}

function restartAdvice(units: readonly string[], restarted: boolean): string[] {
  return restarted
    ? []
    : [`one restart is needed for it to take effect: systemctl restart ${units.join(' ')}`]
}
