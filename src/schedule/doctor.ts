import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Configuration, loadConfiguration } from '../config/configuration.ts'
import { Failure, messageOf } from '../errors.ts'
import { whyUnsafe } from '../hooks/permission.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { paths } from '../paths.ts'
import { tryFleetLock } from '../swap/announce/fleet-lock.ts'
import type { Tell } from '../swap/event.ts'
import { findFallback } from '../swap/host/fallback.ts'
import { programObstacles } from '../swap/host/programs.ts'
import { hostRequirements, makePlan, type Requirement } from '../swap/phases/check.ts'
import { preserved } from '../swap/plan.ts'
import { findPending } from '../swap/resume.ts'
import { damageOf } from '../swap/store.ts'
import { tasksOf } from '../swap/tasks.ts'
import { showUnit } from '../tools/systemd.ts'
import type { Obstacle } from '../workload/obstacle.ts'
import { timerName } from './units.ts'

/**
 * Looks whether this host is ready for scheduled swaps, as a swap's own plan does, but without trial checkpoints and
 * whether or not a newer kernel is installed: the running one stands for it.
 */
export async function examine(tell: Tell): Promise<Requirement[]> {
  const programs = { name: 'programs', obstacles: await programObstacles() }
  // Nothing else can be looked at without them.
  if (programs.obstacles.length > 0) return [programs]
  const found = [
    programs,
    { name: 'no swap pending', obstacles: await pendingObstacles() },
    { name: 'schedule', obstacles: await scheduleObstacles() },
  ]
  const configuration = await readConfiguration()
  if ('code' in configuration) return [...found, { name: 'configuration', obstacles: [configuration] }]
  return [
    ...found,
    { name: 'configuration', obstacles: [] },
    ...(await watcherRequirements(configuration)),
    ...(await swapRequirements(configuration, tell)),
  ]
}

async function readConfiguration(): Promise<Configuration | Obstacle> {
  try {
    return await loadConfiguration()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // What to do is part of the sentence.
    return { code: 'configuration', reason: error.message, remedy: 'kernelswap config check' }
  }
}

/** What stops a plan: the host, the boot loader, every unit. */
async function swapRequirements(configuration: Configuration, tell: Tell): Promise<Requirement[]> {
  const kernel = runningKernel()
  const { obstacles } = await findFallback(kernel, configuration.fallback)
  const request = { units: [], kernel, restart: [], trial: false, strict: false }
  const plan = await makePlan(request, configuration, tell)
  const memoryBytes = preserved(plan).reduce((sum, workload) => sum + workload.memoryBytes, 0)
  return [
    ...(await hostRequirements(kernel, { memoryBytes, pids: (await tasksOf(plan)).flat() })),
    { name: 'way back', obstacles },
    ...plan.workloads.map((workload) => ({ name: workload.unit, obstacles: workload.obstacles })),
  ]
}

async function pendingObstacles(): Promise<Obstacle[]> {
  const pending = await findPending().catch(damageOf)
  if (typeof pending === 'string')
    return [{ code: 'swap-damaged', reason: pending, remedy: 'see kernelswap(8)' }]
  if (pending === undefined || pending.decision.kind === 'nothing') return []
  const reason = `swap ${pending.swap.id} has no verdict`
  return [{ code: 'swap-pending', reason, remedy: 'kernelswap resume, or abandon' }]
}

/** No schedule is none to complain of; one that is written down and doesn't run is. */
async function scheduleObstacles(): Promise<Obstacle[]> {
  const { LoadState, ActiveState } = await showUnit(timerName, ['LoadState', 'ActiveState'])
  if (LoadState === 'not-found' || ActiveState === 'active') return []
  const remedy = `systemctl enable --now ${timerName}`
  return [{ code: 'timer-inactive', reason: `${timerName} is ${ActiveState}`, remedy }]
}

/** Whom a verdict is told, as far as the configuration names them. */
async function watcherRequirements(configuration: Configuration): Promise<Requirement[]> {
  const found: Requirement[] = []
  for (const key of ['on-success', 'on-failure'] as const) {
    const command = configuration[key]
    if (command) found.push({ name: key, obstacles: await commandObstacles(command[0]) })
  }
  const { 'metrics-file': metricsFile, 'fleet-lock': fleetLock } = configuration
  if (metricsFile)
    found.push({ name: 'metrics-file', obstacles: await directoryObstacles(dirname(metricsFile)) })
  if (fleetLock) found.push({ name: 'fleet-lock', obstacles: await fleetLockObstacles(fleetLock) })
  return found
}

async function commandObstacles(program: string): Promise<Obstacle[]> {
  const why = whyUnsafe(program)
  return why === undefined
    ? []
    : [{ code: 'notify-command', reason: why, remedy: `see to it that ${program} is there and root's alone` }]
}

async function directoryObstacles(directory: string): Promise<Obstacle[]> {
  const isThere = await access(directory).then(
    () => true,
    () => false,
  )
  return isThere
    ? []
    : [
        {
          code: 'metrics-file',
          reason: `${directory} is not there`,
          remedy: `apt install prometheus-node-exporter, or mkdir ${directory}`,
        },
      ]
}

async function fleetLockObstacles(settings: NonNullable<Configuration['fleet-lock']>): Promise<Obstacle[]> {
  try {
    await tryFleetLock(settings)
    return []
  } catch (error) {
    const remedy = `see to ${paths.configuration[1]} and to the lock server`
    return [{ code: 'fleet-lock', reason: messageOf(error), remedy }]
  }
}
