import type { Command } from 'commander'
import { loadConfiguration } from '../config/configuration.ts'
import { withLock } from '../swap/lock.ts'
import { makePlan } from '../swap/phases/check.ts'
import type { Plan } from '../swap/plan.ts'
import { untilInterrupted } from './interruption.ts'
import { collect } from './options.ts'
import { createOutput, table } from './output.ts'
import { requireRoot, requireSystemd } from './root.ts'
import { Verb } from './verb.ts'

interface Options {
  readonly kernel?: string
  readonly restart: string[]
  readonly trial: boolean
  readonly json: boolean
}

/** `kernelswap plan`: what would be carried, and what stops it. */
export function planCommand(): Command {
  return new Verb('plan')
    .summary('show what a swap would carry, and what stops it')
    .description(
      'Looks at the units (default: every running service that is not platform), the host and the target kernel,\n' +
        'and takes a trial checkpoint of each unit, which holds it still for a moment. Changes nothing.\n' +
        'Exit code 0: ready; 3: refused, with reason and remedy.',
    )
    .argument('[unit...]', 'services to carry')
    .option(
      '--kernel <version>',
      'target kernel as `uname -r` prints it (default: the newest installed, not running)',
    )
    .option('--restart <unit>', 'stop this unit before the swap and start it after (repeatable)', collect, [])
    .option('--no-trial', 'leave the trial checkpoints out')
    .option('--json', 'print one JSON document', false)
    .action(async (units: string[], options: Options) => {
      const output = createOutput(options.json)
      requireRoot()
      requireSystemd()
      const request = {
        units,
        kernel: options.kernel,
        restart: options.restart,
        trial: options.trial,
        strict: false,
      }
      const configuration = await loadConfiguration()
      const plan = await untilInterrupted((signal) =>
        withLock(() => makePlan(request, configuration, output.say, signal)),
      )
      output.result(plan, planText(plan))
      if (!plan.ready) process.exitCode = 3
    })
}

/** A plan for people, line by line. */
export function planText(plan: Plan): string[] {
  const rows = plan.workloads.map((workload) => {
    const obstacle = workload.obstacles[0]
    return [
      workload.unit,
      String(workload.processes),
      `${(workload.memoryBytes / 1024 / 1024).toFixed(1)} MiB`,
      String(workload.connections),
      workload.policy === 'preserve' ? workload.verdict : workload.policy,
      obstacle ? `${obstacle.reason}; remedy: ${obstacle.remedy}` : '',
    ]
  })
  const host = plan.host.map(({ reason, remedy }) => `host: ${reason}; remedy: ${remedy}`)
  return [
    `${plan.kernel.from} → ${plan.kernel.to}`,
    '',
    ...table([['UNIT', 'PROCESSES', 'MEMORY', 'TCP', 'VERDICT', 'REASON'], ...rows]),
    '',
    ...host,
    ...leftBehind(plan),
    ...fallback(plan),
    ...outage(plan),
    plan.ready ? 'ready' : 'refused',
  ]
}

function fallback({ fallback: found }: Plan): string[] {
  return found ? [`if the new kernel panics: ${found.loader} starts ${found.entry}`] : []
}

function outage({ outage: predicted, freezeSeconds }: Plan): string[] {
  const limit =
    freezeSeconds === undefined
      ? []
      : [`given up where they stand still for ${freezeSeconds} s before the jump`]
  if (!predicted)
    return ['services stand still for an unknown time: no swap has been measured here yet', ...limit]
  const { seconds, swaps } = predicted
  return [
    `services stand still for about ${seconds} s, by the last ${swaps === 1 ? 'swap' : `${swaps} swaps`} of this host`,
    ...limit,
  ]
}

function leftBehind({ leftBehind: units = [] }: Plan): string[] {
  if (units.length === 0) return []
  return [
    `left behind: ${units.join(', ')}: ends with the old kernel without being stopped; name it, or --restart it`,
  ]
}
