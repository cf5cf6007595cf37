import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Configuration } from '../../config/configuration.ts'
import { ifMissing } from '../../errors.ts'
import { remedyFor } from '../../host/programs.ts'
import { thisDistribution } from '../../os/distributions.ts'
import { runningKernel } from '../../os/kernel-release.ts'
import { paths } from '../../paths.ts'
import { check as criuCheck } from '../../tools/criu.ts'
import { serviceName } from '../../tools/unit-name.ts'
import { idsOf } from '../../workload/ids.ts'
import { inetSockets } from '../../workload/inet-tables.ts'
import { runningWorkloads } from '../../workload/kinds.ts'
import { lostPeers } from '../../workload/local-peers.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import type { Surroundings } from '../../workload/surroundings.ts'
import { connectionsOf, memoryOf } from '../../workload/task-tree.ts'
import type { Workload } from '../../workload/workload.ts'
import { type Agreed, account, agreementOf } from '../accounting.ts'
import type { Tell } from '../event.ts'
import { findFallback } from '../host/fallback.ts'
import { chooseKernel, kernelObstacles } from '../host/kernels.ts'
import { pidObstacles, reservation } from '../host/pids.ts'
import { refuseMissingPrograms } from '../host/programs.ts'
import type { Plan, Request, WorkloadPlan } from '../plan.ts'
import { freezeLimit, outageObstacles, predictOutage } from '../report/outage.ts'
import { freeBytes, writeObstacles } from '../store.ts'
import { orRestarted, type Treatment, treatments } from '../treatment.ts'
import { clearTrials, type Trial, tryCheckpoints } from '../trials.ts'
import { checkHooks } from '../verify/hooks.ts'
import { inspect } from './inspect.ts'

/**
 * Makes the plan: what a swap would carry, and what stops it.
 *
 * The trial checkpoint is the strongest check: each service is dumped for real and runs on at once.
 * @throws Failure 'refused' where there is nothing to plan for: no systemd, an unknown unit, no such kernel, programs missing;
 *   'configuration' for settings under two names of one unit; and what the signal was aborted with.
 */
export async function makePlan(
  request: Request,
  configuration: Configuration,
  tell: Tell,
  signal?: AbortSignal,
): Promise<Plan> {
  await clearTrials()
  const to = await chooseKernel(request.kernel)
  await refuseMissingPrograms()
  const agreed = agreementOf([...(request.end ?? []), ...configuration.end])
  const { found, surroundings } = await find(request, agreed)
  const treatmentOf = treatments(request, configuration)
  const { fallback, obstacles } = await findFallback(runningKernel(), configuration.fallback)
  const mayGoBack = found.map(treatmentOf).some(goesBack)
  const memory = new Map(found.map((workload) => [workload.unit, memoryOf(workload)]))
  const looked = found.map((workload) => {
    const treatment = treatmentOf(workload)
    return orRestarted(lookAt(workload, treatment, memory, surroundings), workload, treatment)
  })
  const carried = found.filter((_, index) => looked[index]!.policy === 'preserve')
  const memoryBytes = carried.reduce((sum, { unit }) => sum + memory.get(unit)!, 0)
  const pids = carried.flatMap(({ processes }) => processes.map(({ pid }) => pid))
  const outage = await predictOutage(memoryBytes, request.strict)
  const host = [
    ...(await hostRequirements(to, { memoryBytes, pids })).flatMap(({ obstacles }) => obstacles),
    ...outageObstacles(outage, request.maxOutage),
    ...obstacles,
    ...(mayGoBack ? await kernelObstacles(runningKernel()) : []),
  ]
  const tried = carried.filter(({ unit }) =>
    looked.some((look) => look.unit === unit && look.verdict === 'ready'),
  )
  const trials =
    request.trial && host.length === 0
      ? await tryCheckpoints(tried, surroundings, memory, thisDistribution().kernelFiles(to), tell, signal)
      : new Map<string, Trial>()
  const judged = looked
    .map((look) => withTrial(look, trials.get(look.unit)))
    .map((look, index) => orRestarted(look, found[index]!, treatmentOf(found[index]!)))
  const workloads = withLostPeers(judged, found)
  const accounting = await account(
    {
      decided: new Map(workloads.map(({ unit, policy }) => [unit, policy])),
      othersMay: (unit) => {
        const { policy, refused } = treatmentOf({ names: [unit] })
        if (policy === 'ignore') return 'ignore'
        // Whoever names units has decided about the others.
        return request.units.length > 0 || refused === 'restart' ? 'restart' : undefined
      },
    },
    agreed,
    signal,
  )
  host.push(...accounting.obstacles)
  const ready = host.length === 0 && workloads.every(({ verdict }) => verdict === 'ready')
  const kernel = { from: runningKernel(), to }
  const plan: Plan = {
    schema: 'kernelswap.plan/1',
    kernel,
    ready,
    strict: request.strict,
    keep: configuration.keep,
    ...(request.evacuate ? { evacuate: true } : {}),
    watchdogSeconds: configuration['watchdog-seconds'],
    freezeSeconds:
      configuration['freeze-timeout'] ??
      freezeLimit({ outage, workloads, memoryBytes, evacuate: request.evacuate ?? false }),
    host,
    workloads,
    fallback,
    leftBehind: (await runningWorkloads()).filter(
      (unit) => !found.some((workload) => workload.unit === unit),
    ),
    groups: accounting.groups,
    mounts: accounting.mounts,
    endings: accounting.endings,
    outage,
    announce: {
      onSuccess: configuration['on-success'],
      onFailure: configuration['on-failure'],
      metricsFile: configuration['metrics-file'],
    },
  }
  return ready ? withVetoes(plan, tell, signal) : plan
}

/** The workloads that a plan is about; what was agreed to end is none. */
async function find(
  { units, restart }: Request,
  agreed: Agreed,
): Promise<{ readonly found: Workload[]; readonly surroundings: Surroundings }> {
  const isNamed = units.length > 0
  const { workloads, surroundings } = await inspect([
    ...(isNamed ? units : await runningWorkloads()),
    ...restart,
  ])
  const asked = new Set([...units, ...restart].map(serviceName))
  const found = workloads.filter(({ names, processes }) => {
    if (names.some((name) => agreed({ name, unit: name }))) return false
    // It ran as we asked who does, and has ended since.
    return processes.length > 0 || names.some((name) => asked.has(name))
  })
  return { found, surroundings }
}

/** What hooks object to; asked last, of a plan that nothing else stops. */
async function withVetoes(plan: Plan, tell: Tell, signal: AbortSignal | undefined): Promise<Plan> {
  const found = await checkHooks(plan, tell, signal)
  const workloads = plan.workloads.map((workload): WorkloadPlan => {
    const obstacles = found.get(workload.unit) ?? []
    return obstacles.length === 0 ? workload : { ...workload, verdict: 'refused', obstacles: [...obstacles] }
  })
  return { ...plan, workloads, ready: workloads.every(({ verdict }) => verdict === 'ready') }
}

function goesBack({ onRestoreFailure, onVerifyFailure }: Treatment): boolean {
  return onRestoreFailure === 'back' || onVerifyFailure === 'back'
}

function obstaclesTo(
  policy: Treatment['policy'],
  workload: Workload,
  surroundings: Surroundings,
): Obstacle[] {
  if (policy === 'ignore') return []
  return policy === 'restart' ? workload.obstaclesToRestart() : workload.obstacles(surroundings)
}

/** What a plan says of a workload before its checkpoint is tried. */
function lookAt(
  workload: Workload,
  treatment: Treatment,
  memory: ReadonlyMap<string, number>,
  surroundings: Surroundings,
): WorkloadPlan {
  const obstacles = obstaclesTo(treatment.policy, workload, surroundings)
  const { refused: _, ...planned } = treatment
  const notes = treatment.policy === 'preserve' ? workload.notes() : []
  return {
    unit: workload.unit,
    ...planned,
    ...(notes.length > 0 ? { notes } : {}),
    verdict: obstacles.length === 0 ? 'ready' : 'refused',
    obstacles,
    mainPid: workload.mainPid,
    controlGroup: workload.controlGroup,
    processes: workload.processes.length,
    memoryBytes: memory.get(workload.unit)!,
    connections: connectionsOf(workload),
    trialSeconds: null,
  }
}

/** What connections will be other than before, by what else comes along. */
function withLostPeers(planned: readonly WorkloadPlan[], found: readonly Workload[]): WorkloadPlan[] {
  const units = new Set(planned.filter(({ policy }) => policy === 'preserve').map(({ unit }) => unit))
  const lost = lostPeers(
    found.filter(({ unit }) => units.has(unit)),
    inetSockets(process.pid),
  )
  return planned.map((workload) => {
    const notes = [...(workload.notes ?? []), ...(lost.get(workload.unit) ?? [])]
    return notes.length === 0 ? workload : { ...workload, notes }
  })
}

function withTrial(workload: WorkloadPlan, trial: Trial | undefined): WorkloadPlan {
  if (!trial) return workload
  const tried = { ...workload, trialSeconds: trial.seconds }
  return trial.obstacle ? { ...tried, verdict: 'refused', obstacles: [trial.obstacle] } : tried
}

/** Something a swap needs, in a word or two, and what is in the way of it. */
export interface Requirement {
  readonly name: string
  readonly obstacles: readonly Obstacle[]
}

/** What services come to that are to be carried, whoever they are. */
export interface Load {
  readonly memoryBytes: number
  readonly pids: readonly number[]
}

/** What a host needs to swap to a kernel with these services. */
export async function hostRequirements(kernel: string, { memoryBytes, pids }: Load): Promise<Requirement[]> {
  return [
    { name: 'kexec', obstacles: await kexecObstacles() },
    { name: `kernel ${kernel}`, obstacles: await kernelObstacles(kernel) },
    { name: 'disk space', obstacles: await spaceObstacles(memoryBytes) },
    { name: 'PIDs', obstacles: await pidObstacles(await reservation(idsOf(pids))) },
    { name: 'CRIU', obstacles: await criuObstacles() },
  ]
}

/** What keeps CRIU from working on this host. */
export async function criuObstacles(): Promise<Obstacle[]> {
  if (!existsSync(paths.criu))
    return [{ code: 'criu-missing', reason: 'criu is not installed', remedy: remedyFor('criu') }]
  const complaint = await criuCheck()
  return complaint
    ? [
        {
          code: 'criu-unusable',
          reason: `CRIU does not work here: ${complaint}`,
          remedy: 'criu check tells more',
        },
      ]
    : []
}

/** What keeps the running kernel from starting another. */
export async function kexecObstacles(): Promise<Obstacle[]> {
  const disabled = await readFile('/proc/sys/kernel/kexec_load_disabled', 'utf8').catch(ifMissing(undefined))
  if (disabled === undefined || !existsSync('/sys/kernel/kexec_loaded')) {
    return [
      {
        code: 'no-kexec',
        reason: 'this kernel has no kexec (CONFIG_KEXEC)',
        remedy: "run the distribution's kernel",
      },
    ]
  }
  if (disabled.trim() === '0') return []
  return [
    {
      code: 'kexec-disabled',
      reason: 'kexec is disabled until the next boot (kernel.kexec_load_disabled=1)',
      remedy: 'take the setting out of /etc/sysctl.d and reboot',
    },
  ]
}

/**
 * Images take 1 to 4 % more than memory that one process has (Redis, memcached; seals of rehearsals, Debian 13). What
 * processes share is in the images of each, and with it pages of files that they have changed: about 1 MiB a process for
 * nginx, 2 for PostgreSQL. Room is left for thirty of those, and for archives of tmpfs.
 */
const [sizeOfImages, sizeOfRest] = [1.1, 64 * 1024 * 1024]

/** A checkpoint is about as large as the memory it holds; the trial and the swap never lie there at once. */
async function spaceObstacles(memoryBytes: number): Promise<Obstacle[]> {
  const unwritable = await writeObstacles()
  if (unwritable.length > 0) return unwritable
  const needed = memoryBytes * sizeOfImages + sizeOfRest
  const free = await freeBytes()
  if (free >= needed) return []
  const [need, have] = [needed, free].map((bytes) => Math.ceil(bytes / 1024 / 1024))
  return [
    {
      code: 'disk-space',
      reason: `${paths.state} has ${have} MiB free, the checkpoints need ${need} MiB`,
      remedy: `free ${need! - have!} MiB there, or mount a larger file system on it`,
    },
  ]
}
