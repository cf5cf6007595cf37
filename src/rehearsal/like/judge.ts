import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { Failure } from '../../errors.ts'
import type { Ended } from '../../host/local.ts'
import { kernelsAmong } from '../../os/debian.ts'
import { paths } from '../../paths.ts'
import type { Tell } from '../../swap/event.ts'
import { type Plan, planSchema, preserved } from '../../swap/plan.ts'
import { parseProperties } from '../../tools/systemd.ts'
import { isCuredByAdopting } from '../../workload/obstacle.ts'
import type { Image } from '../image.ts'
import { collectLogs, resolveKernel, runRemoteSwap } from '../rehearse.ts'
import type { Remote } from '../remote.ts'
import type { Likeness } from './likeness.ts'
import { type Prediction, predictionOf, refusalsIn, refusalsThere, type Seen } from './prediction.ts'
import type { Copy } from './study.ts'

export interface JudgeOptions {
  readonly image: Image
  /** A release as `uname -r` prints it, or one of the image's kernels by its role; undefined: the host's newest. */
  readonly to: string | undefined
  /** Compare the restored tasks while they are held stopped. */
  readonly strict: boolean
  /** Gets every log, and the prediction. */
  readonly directory: string
  /** Told what happens, the end apart. */
  readonly tell: Tell
}

const planSeconds = 900
const adoptSeconds = 600

/**
 * Swaps the kernel of a machine like a host, and tells from it what a swap there would do to each unit: those that the
 * plan wants adopted are, those that it refuses are left out.
 * @throws Failure 'refused' where the machine has no such kernel.
 */
export async function judge(machine: Remote, copy: Copy, options: JudgeOptions): Promise<Prediction> {
  const { likeness, folder } = copy
  const from = await runningKernel(machine)
  const kernel = { from, to: await targetKernel(machine, likeness, from, options) }
  try {
    const seen = await look(machine, likeness, kernel.to, options)
    const other = otherKernels(likeness, kernel, options.to)
    const prediction = predictionOf(likeness, kernel, seen, folder, other)
    await writeFile(join(options.directory, 'prediction.json'), `${JSON.stringify(prediction, null, 2)}\n`)
    return prediction
  } finally {
    await collectLogs(machine, options.directory)
  }
}

/** The kernel that a swap of the host would take, or where the machine hasn't got it, its own newest. */
async function targetKernel(
  machine: Remote,
  { kernels }: Likeness,
  from: string,
  { image, to }: JudgeOptions,
): Promise<string> {
  if (to !== undefined) return resolveKernel(image, to)
  const installed = kernelsAmong((await runIn(machine, 'ls', [paths.boot])).stdout.split('\n'))
  const others = installed.filter((release) => release !== from)
  return others.find((release) => release === kernels.newest) ?? others.at(-1) ?? from
}

function otherKernels(
  { kernels, host }: Likeness,
  kernel: Prediction['kernel'],
  to: string | undefined,
): string[] {
  const { from } = kernel
  return [
    ...(from === kernels.running ? [] : [`the swap began on ${from}, and ${host} runs ${kernels.running}`]),
    ...(to !== undefined || kernel.to === kernels.newest
      ? []
      : [`the swap went to ${kernel.to}, and ${host} has ${kernels.newest}`]),
  ]
}

async function look(
  machine: Remote,
  likeness: Likeness,
  kernel: string,
  options: JudgeOptions,
): Promise<Seen> {
  const { units } = likeness
  // A unit that the host itself refuses is told so, whatever the copy makes of it.
  const obstacles = new Map([...(await notRunning(machine, units)), ...refusalsThere(likeness)])
  const left = () => units.map(({ name }) => name).filter((name) => !obstacles.has(name))
  const note = (refused: ReadonlyMap<string, string>) => {
    for (const [unit, reason] of refused) obstacles.set(unit, reason)
  }
  let adopted = new Map<string, string>()
  if (left().length > 0) {
    options.tell({ kind: 'message', text: 'plan' })
    const plan = await planIn(machine, kernel, left())
    adopted = await adoptWhatNeedsIt(machine, plan, options.tell)
    note(refusalsIn(plan, adopted))
  }
  for (let before = Number.POSITIVE_INFINITY; left().length > 0 && left().length < before; ) {
    before = left().length
    const strict = options.strict ? ['--strict'] : []
    const swap = await runRemoteSwap(machine, [...strict, '--kernel', kernel, ...left()], options.tell)
    if (swap.kind === 'report') return { obstacles, adopted, report: swap.report }
    // What its trial checkpoints have found; the others may go without those units.
    note(refusalsIn(swap.plan))
  }
  return { obstacles, adopted, report: undefined }
}

/** Why units of the host don't run in the machine. */
async function notRunning(machine: Remote, units: Likeness['units']): Promise<Map<string, string>> {
  const absent = new Map<string, string>()
  for (const { name, package: owner } of units) {
    const { LoadState, ActiveState } = parseProperties(
      (await runIn(machine, 'systemctl', ['show', '--property=LoadState,ActiveState', '--', name])).stdout,
    )
    if (LoadState !== 'loaded')
      absent.set(name, `it is not in the copy${owner ? `, which has no ${owner}` : ''}`)
    else if (ActiveState !== 'active') {
      const how = ActiveState === 'activating' ? 'is not up in time' : 'does not start'
      absent.set(name, `it ${how} in the copy: ${await lastWord(machine, name)}`)
    }
  }
  return absent
}

async function lastWord(machine: Remote, unit: string): Promise<string> {
  const words = ['--unit', unit, '--lines=20', '--output=cat', '--no-pager']
  const lines = (await runIn(machine, 'journalctl', words)).stdout.trim().split('\n')
  // What systemd says last is that it failed; the service itself says why.
  const own = lines.filter(
    (line) => line !== '' && !line.includes(unit) && !/^(Failed|Stopped|Start)/.test(line),
  )
  return own.at(-1) ?? lines.at(-1) ?? 'nobody says why'
}

/** Adopts the units whose first obstacle is mended by it, and tells what each was adopted for. */
async function adoptWhatNeedsIt(machine: Remote, plan: Plan, tell: Tell): Promise<Map<string, string>> {
  const adopted = new Map<string, string>()
  for (const { unit, obstacles } of preserved(plan)) {
    const [obstacle] = obstacles
    if (!obstacle || !isCuredByAdopting(obstacle)) continue
    tell({ kind: 'message', text: `adopt ${unit}` })
    const ended = await runIn(machine, 'kernelswap', ['adopt', '--now', '--json', unit], adoptSeconds)
    if (ended.code === 0)
      adopted.set(unit, `${obstacle.reason}; ${obstacle.remedy} sets ${settingsIn(ended)}`)
  }
  return adopted
}

const adoptSchema = z.object({ settings: z.array(z.object({ setting: z.string() })) })

function settingsIn({ stdout }: Ended): string {
  return adoptSchema
    .parse(JSON.parse(stdout))
    .settings.map(({ setting }) => setting)
    .join(' ')
}

/** Without trial checkpoints: those the swap takes itself. */
async function planIn(machine: Remote, kernel: string, units: readonly string[]): Promise<Plan> {
  const words = ['plan', '--json', '--no-trial', '--kernel', kernel, ...units]
  const ended = await runIn(machine, 'kernelswap', words, planSeconds)
  if (ended.stdout !== '') return planSchema.parse(JSON.parse(ended.stdout))
  throw new Failure('refused', `The copy has no plan: ${ended.stderr.trim().replace(/^kernelswap: /, '')}`)
}

async function runningKernel(machine: Remote): Promise<string> {
  return (await runIn(machine, 'uname', ['-r'])).stdout.trim()
}

async function runIn(
  machine: Remote,
  program: string,
  args: readonly string[],
  timeoutSeconds = 120,
): Promise<Ended> {
  return (await machine.ssh()).run(program, args, { timeoutSeconds })
}
