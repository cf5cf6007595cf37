import { readFile } from 'node:fs/promises'
import { Failure, ifMissing } from '../../errors.ts'
import { prepareCheckpoint, removeLanding, writeLanding } from '../../landing/landing.ts'
import { readAddresses } from '../../network/addresses.ts'
import { type KernelImage, load, unload } from '../../tools/kexec.ts'
import { mountsWaitForDevices, startUnits, stopUnitsAlone } from '../../tools/systemd.ts'
import { idsOf } from '../../workload/ids.ts'
import { roomTies } from '../../workload/room.ts'
import { aimFallback, clearFallback } from '../fallback.ts'
import { armWatchdog, hasWatchdog, restoreHostSettings } from '../host-settings.ts'
import { kernelFiles, nextCommandLine } from '../kernels.ts'
import { pidObstacles, reservation } from '../pids.ts'
import { preserved, restarted } from '../plan.ts'
import type { Crossing, Phase } from '../step.ts'
import { bootId, checkpointDirectory, type Swap } from '../store.ts'
import { tasksOf } from '../tasks.ts'
import { inspect } from './inspect.ts'

/** Everything slow, while the services run on. */
export const stage: Phase = {
  name: 'stage',
  steps: [
    { name: 'load-kernel', do: loadKernel, undo: unload },
    // Starting them may take what their units grant.
    { name: 'stop-restarted', do: stopRestarted, undo: startRestarted, undoSeconds: 600 },
    { name: 'write-landing', do: planLanding, undo: removeLanding },
    {
      name: 'aim-fallback',
      do: ({ swap }) => aimFallback(swap.plan),
      undo: ({ plan }) => clearFallback(plan),
    },
    { name: 'arm-watchdog', do: ({ swap }) => armWatchdog(swap), undo: restoreHostSettings },
  ],
}

async function loadKernel(crossing: Crossing): Promise<void> {
  const { plan, id } = crossing.swap
  crossing.lastPid = await reservation(idsOf((await tasksOf(plan)).flat()))
  const [obstacle] = await pidObstacles(crossing.lastPid)
  if (obstacle) throw new Failure('failed', `PIDs do not suffice: ${obstacle.reason}; ${obstacle.remedy}.`)
  await load(await imageOf(plan.kernel.to, crossing, id), await isLockedDown())
}

/** A kernel with what the swap asks of it; `swap` marks it as the jump's. */
async function imageOf(version: string, crossing: Crossing, swap?: string): Promise<KernelImage> {
  const { kernel, initrd } = kernelFiles(version)
  const watchdogSeconds = hasWatchdog() ? crossing.swap.plan.watchdogSeconds : 0
  const current = await readFile('/proc/cmdline', 'utf8')
  const commandLine = nextCommandLine(current, { lastPid: crossing.lastPid, swap, watchdogSeconds })
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

async function stopRestarted({ swap }: Crossing): Promise<void> {
  await stopUnitsAlone(restarted(swap.plan).map(({ unit }) => unit))
}

async function startRestarted(swap: Swap): Promise<void> {
  await startUnits(restarted(swap.plan).map(({ unit }) => unit))
}

async function planLanding(crossing: Crossing): Promise<void> {
  const { swap } = crossing
  const workloads = preserved(swap.plan)
  const { services, surroundings } = await inspect(workloads.map(({ unit }) => unit))
  const planned = new Map(workloads.map((workload) => [workload.unit, workload]))
  const other = services.find(({ unit, mainPid }) => mainPid !== planned.get(unit)?.mainPid)
  if (other)
    throw new Failure('failed', `${other.unit} was stopped or restarted since it was planned; swap again.`)
  crossing.surroundings = surroundings
  crossing.passengers = services.map((service) => ({
    service,
    ties: roomTies(service, surroundings),
    checkpoint: checkpointDirectory(swap, service.unit),
    onRestoreFailure: planned.get(service.unit)?.onRestoreFailure ?? 'cold',
  }))
  for (const passenger of crossing.passengers) await prepareCheckpoint(passenger)
  await writeLanding({
    swap: swap.directory,
    boot: await bootId(),
    lastPid: crossing.lastPid,
    // What verification may undo must not run before it.
    hold: swap.plan.strict || workloads.some(({ onVerifyFailure }) => onVerifyFailure !== 'keep'),
    back: await imageOf(swap.plan.kernel.from, crossing),
    fallback: swap.plan.fallback,
    addresses: await readAddresses(),
    up: undefined,
    early: !(await mountsWaitForDevices()),
    passengers: crossing.passengers,
  })
}
