import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Failure, ifMissing } from '../../errors.ts'
import { callHooks } from '../../hooks/call.ts'
import { HostFacts } from '../../hooks/host-facts.ts'
import type { HookContext, HookResult, Verb } from '../../hooks/types.ts'
import { paths } from '../../paths.ts'
import { forEachOf } from '../../pool.ts'
import { pidsOf } from '../../workload/control-group.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import { type Tell, unitTeller } from '../event.ts'
import type { WorkloadOutcome } from '../phases/verify.ts'
import { type Plan, preserved, type WorkloadPlan } from '../plan.ts'
import { checkpointDirectory, type Swap } from '../store.ts'

type Baselines = Readonly<Record<string, HookContext['baseline']>>

/**
 * Asks the hooks of each workload that comes along whether it may. A veto is an obstacle of the workload, and so is
 * a broken hook: it would stop the swap at the freeze.
 * @param signal ends the hooks
 * @throws what the signal was aborted with.
 */
export async function checkHooks(
  plan: Plan,
  tell: Tell,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly Obstacle[]>> {
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  // There is no swap yet to keep their output.
  const directory = await mkdtemp(join(paths.run, 'hooks-'))
  const source = { id: 'none', directory, plan, tell, signal }
  try {
    const results = await callEach(source, preserved(plan), 'check', 'check', async ({ unit }, call) => {
      const answers = await call()
      return [unit, answers.flatMap((answer) => obstacleOf(unit, answer))] as const
    })
    return new Map(results)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function obstacleOf(unit: string, { hook, outcome, reason, stderr }: HookResult): Obstacle[] {
  if (outcome === 'broken') {
    return [
      {
        code: 'hook-broken',
        reason: `hook ${hook} is broken: ${reason}`,
        remedy: 'mend the hook, or mask it',
      },
    ]
  }
  if (outcome !== 'veto') return []
  const advice = stderr?.split('\n').slice(0, -1).join(' ')
  return [
    {
      code: 'hook-veto',
      reason: `hook ${hook} vetoes: ${reason}`,
      remedy: advice || `mend that, then see \`kernelswap hooks run ${unit} check\``,
    },
  ]
}

/**
 * Lets the hooks of every workload say what `verify` must find, and keeps it with its checkpoint.
 * @throws Failure where one can't: what nobody captured nobody can verify.
 */
export async function captureHooks(swap: Swap, tell: Tell = () => {}): Promise<void> {
  await callEach({ ...swap, tell }, preserved(swap.plan), 'capture', 'freeze', async ({ unit }, call) => {
    const results = await call()
    const failed = results.find(({ outcome }) => outcome === 'broken')
    if (failed)
      throw new Failure('failed', `Hook ${failed.hook} could not capture ${unit}: ${failed.reason}.`)
    const baselines = Object.fromEntries(results.map(({ hook, baseline }) => [hook, baseline]))
    await mkdir(checkpointDirectory(swap, unit), { recursive: true, mode: 0o700 })
    // The seal brings it to disk.
    await writeFile(baselinesFile(swap, unit), JSON.stringify(baselines), { mode: 0o600 })
  })
}

/** Adds to each workload that came along what its hooks find; one that has no reason yet gets theirs. */
export async function verifyHooks(
  swap: Swap,
  outcomes: readonly WorkloadOutcome[],
  tell: Tell = () => {},
): Promise<WorkloadOutcome[]> {
  const found = new Map(outcomes.map((outcome) => [outcome.unit, outcome]))
  const workloads = preserved(swap.plan).filter(({ unit }) => found.get(unit)?.outcome === 'preserved')
  await callEach({ ...swap, tell }, workloads, 'verify', 'verify', async ({ unit }, call) => {
    const outcome = found.get(unit)!
    const hooks = await call(await readBaselines(swap, unit))
    found.set(unit, { ...outcome, hooks, reason: outcome.reason ?? hookReason(hooks) })
  })
  return outcomes.map(({ unit }) => found.get(unit)!)
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
  await callEach(swap, preserved(swap.plan), verb, 'settle', (_, call) => call().catch(() => []))
}

/** Units whose hooks run at the same time. Hooks are programs: more of them than processors only get in each other's way. */
const unitsAtOnce = 2 * availableParallelism()

/** Calls the hooks of workloads, a few at a time; what they ask of the host is read once for all of them. */
function callEach<T>(
  {
    id,
    directory,
    plan,
    tell = () => {},
    signal,
  }: Pick<Swap, 'id' | 'directory' | 'plan'> & { tell?: Tell; signal?: AbortSignal | undefined },
  workloads: readonly WorkloadPlan[],
  verb: Verb,
  phase: string,
  act: (
    workload: WorkloadPlan,
    call: (baselines?: Baselines) => Promise<readonly HookResult[]>,
  ) => Promise<T>,
): Promise<T[]> {
  const facts = new HostFacts(workloads.map(({ unit }) => unit))
  const teller = unitTeller(`hooks ${verb}`, workloads.length, tell)
  return forEachOf(workloads, unitsAtOnce, (workload) => {
    const { unit, mainPid, controlGroup } = workload
    teller(unit)
    const call = async (baselines: Baselines = {}) => {
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
      return callHooks(verb, situation, { baselines, abi: false, facts, signal })
    }
    return act(workload, call)
  })
}

async function readBaselines(swap: Swap, unit: string): Promise<Baselines> {
  const text = await readFile(baselinesFile(swap, unit), 'utf8').catch(ifMissing('{}'))
  // Written by captureHooks, in a directory that only root can write.
  return JSON.parse(text) as Baselines
}

function baselinesFile(swap: Swap, unit: string): string {
  return join(checkpointDirectory(swap, unit), 'hooks.json')
}
