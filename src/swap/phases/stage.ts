import { readdir, readFile } from 'node:fs/promises'
import { removeLanding, writeLanding } from '../../landing/landing.ts'
import { readAddresses } from '../../network/addresses.ts'
import { load, unload } from '../../tools/kexec.ts'
import { startUnits, stopUnits } from '../../tools/systemd.ts'
import { roomTies } from '../../workload/room.ts'
import { aimFallback, clearFallback } from '../fallback.ts'
import { kernelFiles, nextCommandLine, pidMax } from '../kernels.ts'
import { preserved, restarted } from '../plan.ts'
import type { Crossing, Phase } from '../step.ts'
import { bootId, checkpointDirectory, type Swap } from '../store.ts'
import { inspect } from './inspect.ts'

/** PIDs that may be handed out between here and the freeze. */
const pidMargin = 4096

/** Everything slow, while the services run on. */
export const stage: Phase = {
  name: 'stage',
  steps: [
    { name: 'load-kernel', do: loadKernel, undo: unload },
    { name: 'stop-restarted', do: stopRestarted, undo: startRestarted },
    { name: 'write-landing', do: planLanding, undo: removeLanding },
    {
      name: 'aim-fallback',
      do: ({ swap }) => aimFallback(swap.plan),
      undo: ({ plan }) => clearFallback(plan),
    },
  ],
}

async function loadKernel(crossing: Crossing): Promise<void> {
  crossing.lastPid = await highestPid()
  const { kernel, initrd } = kernelFiles(crossing.swap.plan.kernel.to)
  const current = await readFile('/proc/cmdline', 'utf8')
  await load(
    { kernel, initrd, commandLine: nextCommandLine(current, crossing.lastPid) },
    await isLockedDown(),
  )
}

/** kexec_load is refused in lockdown, only the signed file call is allowed (kernel_lockdown(7)). */
async function isLockedDown(): Promise<boolean> {
  const state = await readFile('/sys/kernel/security/lockdown', 'utf8').catch(() => '[none]')
  return !state.includes('[none]')
}

async function highestPid(): Promise<number> {
  const last = Number(await readFile('/proc/sys/kernel/ns_last_pid', 'utf8'))
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  return Math.min(Math.max(last, ...pids) + pidMargin, pidMax - 1)
}

async function stopRestarted({ swap }: Crossing): Promise<void> {
  await stopUnits(restarted(swap.plan).map(({ unit }) => unit))
}

async function startRestarted(swap: Swap): Promise<void> {
  await startUnits(restarted(swap.plan).map(({ unit }) => unit))
}

async function planLanding(crossing: Crossing): Promise<void> {
  const { swap } = crossing
  const units = preserved(swap.plan).map(({ unit }) => unit)
  const { services, surroundings } = await inspect(units)
  crossing.passengers = services.map((service) => ({
    service,
    ties: roomTies(service, surroundings),
    checkpoint: checkpointDirectory(swap, service.unit),
  }))
  await writeLanding({
    swap: swap.directory,
    boot: await bootId(),
    lastPid: crossing.lastPid,
    strict: swap.plan.strict,
    addresses: await readAddresses(),
    passengers: crossing.passengers,
  })
}
