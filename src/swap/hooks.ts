import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../durable.ts'
import { Failure, ifMissing } from '../errors.ts'
import { callHooks } from '../hooks/call.ts'
import type { HookContext, HookResult, Verb } from '../hooks/types.ts'
import { paths } from '../paths.ts'
import type { Obstacle } from '../workload/obstacles.ts'
import { pidsOf } from '../workload/service.ts'
import type { Outcome } from './phases/verify.ts'
import { type Plan, preserved, type WorkloadPlan } from './plan.ts'
import { checkpointDirectory, type Swap } from './store.ts'

type Baselines = Readonly<Record<string, HookContext['baseline']>>

/**
 * Asks the hooks of each workload that comes along whether it may. A veto is an obstacle of the workload, and so is
 * a broken hook: it would stop the swap at the freeze.
 */
export async function checkHooks(plan: Plan): Promise<ReadonlyMap<string, readonly Obstacle[]>> {
  await mkdir(paths.run, { recursive: true })
  // There is no swap yet to keep their output.
  const directory = await mkdtemp(join(paths.run, 'hooks-'))
  const source = { id: 'none', directory, plan }
  try {
    const results = await Promise.all(
      preserved(plan).map(async (workload) => {
        const answers = await callAll(source, workload, 'check', 'check')
        return [workload.unit, answers.flatMap((answer) => obstacleOf(workload.unit, answer))] as const
      }),
    )
    return new Map(results)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function obstacleOf(unit: string, { hook, outcome, reason, stderr }: HookResult): Obstacle[] {
  if (outcome === 'broken') {
    return [{ reason: `hook ${hook} is broken: ${reason}`, remedy: 'mend the hook, or mask it' }]
  }
  if (outcome !== 'veto') return []
  const advice = stderr?.split('\n').slice(0, -1).join(' ')
  return [
    {
      reason: `hook ${hook} vetoes: ${reason}`,
      remedy: advice || `mend that, then see \`kernelswap hooks run ${unit} check\``,
    },
  ]
}

/**
 * Lets the hooks of every workload say what `verify` must find, and keeps it with its checkpoint.
 * @throws Failure where one can't: what nobody captured nobody can verify.
 */
export async function captureHooks(swap: Swap): Promise<void> {
  await Promise.all(
    preserved(swap.plan).map(async (workload) => {
      const results = await callAll(swap, workload, 'capture', 'freeze')
      const failed = results.find(({ outcome }) => outcome === 'broken')
      if (failed)
        throw new Failure(
          'failed',
          `Hook ${failed.hook} could not capture ${workload.unit}: ${failed.reason}.`,
        )
      const baselines = Object.fromEntries(results.map(({ hook, baseline }) => [hook, baseline]))
      await mkdir(checkpointDirectory(swap, workload.unit), { recursive: true, mode: 0o700 })
      await writeDurably(baselinesFile(swap, workload.unit), JSON.stringify(baselines))
    }),
  )
}

/** Adds to each workload that came along what its hooks find; one that has no reason yet gets theirs. */
export async function verifyHooks(swap: Swap, outcomes: readonly Outcome[]): Promise<Outcome[]> {
  const workloads = new Map(preserved(swap.plan).map((workload) => [workload.unit, workload]))
  return Promise.all(
    outcomes.map(async (outcome) => {
      const workload = workloads.get(outcome.unit)
      if (!workload || outcome.outcome !== 'preserved') return outcome
      const baselines = await readBaselines(swap, workload.unit)
      const hooks = await callAll(swap, workload, 'verify', 'verify', baselines)
      return { ...outcome, hooks, reason: outcome.reason ?? hookReason(hooks) }
    }),
  )
}

/** True for a hook that keeps a workload from counting as intact. */
export function isBad({ outcome }: HookResult): boolean {
  return outcome === 'differs' || outcome === 'broken'
}

function hookReason(hooks: readonly HookResult[]): string | null {
  const [first, ...more] = hooks.filter(isBad)
  if (!first) return null
  const said =
    first.outcome === 'broken' ? `is broken: ${first.reason}` : `finds a difference: ${first.reason}`
  return `hook ${first.hook} ${said}${more.length > 0 ? ` (and ${more.length} more)` : ''}`
}

/** Tells the hooks how it ended; what they answer changes nothing. */
export async function tellHooks(swap: Swap, verb: 'aborted' | 'settled'): Promise<void> {
  await Promise.all(
    preserved(swap.plan).map((workload) => callAll(swap, workload, verb, 'settle').catch(() => [])),
  )
}

/** Calls the hooks of a workload; those of others run at the same time. */
async function callAll(
  { id, directory, plan }: Pick<Swap, 'id' | 'directory' | 'plan'>,
  { unit, mainPid, controlGroup }: WorkloadPlan,
  verb: Verb,
  phase: string,
  baselines: Baselines = {},
): Promise<readonly HookResult[]> {
  const situation = {
    swap: id,
    phase,
    unit,
    mainPid,
    pids: await pidsOf(controlGroup),
    kernels: { from: plan.kernel.from, to: plan.kernel.to },
    directories: { swap: directory, output: join(directory, 'hooks') },
    strict: plan.strict,
  }
  return callHooks(verb, situation, { baselines, abi: false })
}

async function readBaselines(swap: Swap, unit: string): Promise<Baselines> {
  const text = await readFile(baselinesFile(swap, unit), 'utf8').catch(ifMissing('{}'))
  // Written by captureHooks, in a directory that only root can write.
  return JSON.parse(text) as Baselines
}

function baselinesFile(swap: Swap, unit: string): string {
  return join(checkpointDirectory(swap, unit), 'hooks.json')
}
