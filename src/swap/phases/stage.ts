import { readFile } from 'node:fs/promises'
import { Failure, ifMissing } from '../../errors.ts'
import { prepareCheckpoint, removeLanding, writeLanding } from '../../landing/landing.ts'
import { readAddresses } from '../../network/addresses.ts'
import { thisDistribution } from '../../os/distributions.ts'
import { type KernelImage, load, unload } from '../../tools/kexec.ts'
import { mountsWaitForDevices, startUnits } from '../../tools/systemd.ts'
import { endAll, startedWhereTakenBack } from '../../workload/ending.ts'
import { idsOf } from '../../workload/ids.ts'
import { startWorkloads } from '../../workload/kinds.ts'
import { aimCommand, aimFallback, clearFallback } from '../host/fallback.ts'
import { armWatchdog, hasWatchdog, restoreHostSettings } from '../host/host-settings.ts'
import { nextCommandLine } from '../host/kernels.ts'
import { pidObstacles, reservation } from '../host/pids.ts'
import { preserved, restarted, unitsOf } from '../plan.ts'
import type { Phase, SwapContext } from '../step.ts'
import { bootId, checkpointDirectory, type Swap } from '../store.ts'
import { tasksOf } from '../tasks.ts'
import { inspect } from './inspect.ts'

/**
 * Starting units may take what they grant, in seconds: 90 are the default (DefaultTimeoutStartSec=,
 * systemd-system.conf(5)), and they may wait for each other.
 */
const startSeconds = 600

/** Stopping them as well: guests are saved to disk. What takes longer aborts the swap. */
const stopSeconds = 1800

/** Everything slow, while the services run on. */
export const stage: Phase = {
  name: 'stage',
  steps: [
    { name: 'load-kernel', do: loadKernel, undo: unload },
    { name: 'stop-restarted', do: stopOthers, undo: startOthers, undoSeconds: startSeconds },
    { name: 'write-landing', do: planLanding, undo: removeLanding },
    {
      name: 'aim-fallback',
      do: ({ swap }) => aimFallback(swap.plan),
      undo: ({ plan }) => clearFallback(plan),
    },
    { name: 'arm-watchdog', do: ({ swap }) => armWatchdog(swap), undo: restoreHostSettings },
  ],
}

async function loadKernel(context: SwapContext): Promise<void> {
  const { plan, id } = context.swap
  context.lastPid = await reservation(idsOf((await tasksOf(plan)).flat()))
  const [obstacle] = await pidObstacles(context.lastPid)
  if (obstacle) throw new Failure('failed', `PIDs do not suffice: ${obstacle.reason}; ${obstacle.remedy}.`)
  await load(await imageOf(plan.kernel.to, context, id), await isLockedDown())
}

/** A kernel with what the swap asks of it; `swap` marks it as the jump's. */
async function imageOf(version: string, context: SwapContext, swap?: string): Promise<KernelImage> {
  const { kernel, initrd } = thisDistribution().kernelFiles(version)
  const watchdogSeconds = hasWatchdog() ? context.swap.plan.watchdogSeconds : 0
  const current = await readFile('/proc/cmdline', 'utf8')
  const commandLine = nextCommandLine(current, { lastPid: context.lastPid, swap, watchdogSeconds })
  return { kernel, initrd, commandLine }
}

/**
 * kexec_load is refused in lockdown, only the signed file call is allowed (kernel_lockdown(7)). Kernels without it have no
 * such file.
 */
async function isLockedDown(): Promise<boolean> {
  const state = await readFile('/sys/kernel/security/lockdown', 'utf8').catch(ifMissing('[none]'))
  return !state.includes('[none]')
}

/** What doesn't come along is stopped by its own rules, and while the others run: it may take its time. */
async function stopOthers({ swap: { plan } }: SwapContext): Promise<void> {
  await endAll(plan.endings ?? [], unitsOf(restarted(plan)), stopSeconds)
}

async function startOthers({ plan }: Swap): Promise<void> {
  // One that doesn't start keeps no other from it.
  const starts = await Promise.allSettled([
    startWorkloads(unitsOf(restarted(plan))),
    startUnits(startedWhereTakenBack(plan.endings ?? [])),
  ])
  for (const start of starts) if (start.status === 'rejected') throw start.reason
}

async function planLanding(context: SwapContext): Promise<void> {
  const { swap } = context
  const { workloads, surroundings } = await inspect(unitsOf(preserved(swap.plan)))
  const planned = new Map(preserved(swap.plan).map((workload) => [workload.unit, workload]))
  const other = workloads.find(({ unit, mainPid }) => mainPid !== planned.get(unit)?.mainPid)
  if (other)
    throw new Failure('failed', `${other.unit} was stopped or restarted since it was planned; swap again.`)
  context.surroundings = surroundings
  context.carried = workloads.map((workload) => ({
    workload,
    ties: workload.ties(surroundings),
    checkpoint: checkpointDirectory(swap, workload.unit),
    onRestoreFailure: planned.get(workload.unit)?.onRestoreFailure ?? 'cold',
  }))
  for (const one of context.carried) await prepareCheckpoint(one)
  await writeLanding({
    swap: swap.directory,
    boot: await bootId(),
    lastPid: context.lastPid,
    // What verification may undo must not run before it.
    hold: swap.plan.strict || preserved(swap.plan).some(({ onVerifyFailure }) => onVerifyFailure !== 'keep'),
    back: await imageOf(swap.plan.kernel.from, context),
    aim: aimCommand(swap.plan),
    addresses: await readAddresses(),
    up: undefined,
    early: !(await mountsWaitForDevices()),
    sockets: [...new Set(workloads.flatMap((workload) => workload.boundSockets(surroundings)))],
    carried: context.carried,
  })
}
