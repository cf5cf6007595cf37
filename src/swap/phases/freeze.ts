import { setTimeout } from 'node:timers/promises'
import { writeManifest } from '../../archive/manifest.ts'
import { Failure } from '../../errors.ts'
import {
  type Carried,
  sealLanding,
  unsealLanding,
  writeLandingGate,
  writeLandingMendings,
  writeLandingPeers,
} from '../../landing/landing.ts'
import { gateRules, letBy, openGate, raiseGate } from '../../network/gate.ts'
import type { InetSocket } from '../../proc/inet-sockets.ts'
import { remountWritable } from '../../tools/mount.ts'
import { syncFileSystem } from '../../tools/sync.ts'
import { awaitedPeers, endTcpRepair } from '../../tools/tcp-repair.ts'
import { dumpLimit } from '../../workload/checkpoint.ts'
import { pidsOf } from '../../workload/control-group.ts'
import { idsOf } from '../../workload/ids.ts'
import { imagesOf } from '../../workload/images.ts'
import { InetTables } from '../../workload/inet-tables.ts'
import { mendings } from '../../workload/mendings.ts'
import { needsMoreThanTheLanding } from '../../workload/obstacles.ts'
import { noteDumpedTasks, noteTasks, wake } from '../../workload/stops.ts'
import type { Surroundings } from '../../workload/surroundings.ts'
import { eachOf } from '../each.ts'
import { unitTeller } from '../event.ts'
import { holdServiceWatchdogs, releaseServiceWatchdogs } from '../host/host-settings.ts'
import { endLimit, startLimit } from '../limit.ts'
import { preserved } from '../plan.ts'
import type { Phase, SwapContext } from '../step.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { socketsOf, tasksOf } from '../tasks.ts'
import { swapUnit } from '../unit.ts'
import { captureHooks } from '../verify/hooks.ts'
import { practiseSnapshots, saveSnapshots } from '../verify/snapshots.ts'
import { archive } from './archive.ts'
import { evacuate } from './evacuate.ts'

/** The services stand still from here on; any failure thaws them and they have seen a pause. */
export const freeze: Phase = {
  name: 'freeze',
  steps: [
    // Before the gate, which drops loopback as well: a hook that asks its service over TCP would wait in vain.
    { name: 'capture', do: capture, undo: endVigil },
    { name: 'close-gate', do: closeGate, undo: openGate },
    { name: 'checkpoint', do: checkpoint, undo: thaw },
    { name: 'snapshot', do: snapshot },
    { name: 'archive', do: archive },
    { name: 'manifest', do: listFiles },
    // Taken back before the tasks are thawed: they will change files that no boot must restore a checkpoint over.
    { name: 'seal', do: seal, undo: unseal, isGuard: true },
    evacuate,
  ],
}

/** Hooks note what their services must still have afterwards. */
async function capture(context: SwapContext): Promise<void> {
  await captureHooks(context.swap, context.tell)
  context.probe = await practiseSnapshots(context.swap)
  await holdServiceWatchdogs(context.swap)
  context.limit = await startLimit(context.swap, swapUnit, true)
}

/** The tasks go on by now, and have told their watchdogs so. */
async function endVigil(swap: Swap): Promise<void> {
  try {
    await releaseServiceWatchdogs(swap)
  } finally {
    await endLimit(swap)
  }
}

async function closeGate(context: SwapContext): Promise<void> {
  context.gated = await socketsOf(await tasksOf(context.swap.plan))
  await raiseGate(gateRules(context.gated))
}

async function checkpoint({ swap, carried, sums, surroundings, limit, tell }: SwapContext): Promise<void> {
  const memory = new Map(preserved(swap.plan).map(({ unit, memoryBytes }) => [unit, memoryBytes]))
  // All begin at once, so that what is told is which have ended.
  const teller = unitTeller('checkpoint', carried.length, tell)
  const dumpAndSum = async (one: Carried) => {
    await limit!.during(one.workload.unit, () => checkpointOne(one, memory.get(one.workload.unit) ?? 0))
    teller(one.workload.unit)
    const summing = imagesOf(one.checkpoint).sum()
    // It goes on beside the other dumps and the next steps; where it fails, `manifest` tells.
    summing.catch(() => {})
    sums.set(one.checkpoint, summing)
  }
  // Every dump has ended before a failure is told: thawing what CRIU is still about to stop would leave it stopped.
  const dumps = await Promise.allSettled(carried.map(dumpAndSum))
  const failed = dumps.find((dump) => dump.status === 'rejected')
  if (failed) throw failed.reason
  await refuseNewNeeds(carried, surroundings!)
}

/** Connections that came after the plan may go where the landing puts no address and no route back. */
async function refuseNewNeeds(carried: readonly Carried[], surroundings: Surroundings): Promise<void> {
  const tables = new InetTables()
  for (const { workload } of carried) {
    const inetSockets = await tables.heldBy(await pidsOf(workload.controlGroup))
    const obstacle = needsMoreThanTheLanding({ ...workload, inetSockets }, surroundings)
    if (obstacle)
      throw new Failure(
        'failed',
        `${workload.unit} ${obstacle.reason}; ${obstacle.remedy}, or swap without it.`,
      )
  }
}

async function checkpointOne({ workload, ties, checkpoint }: Carried, memoryBytes: number): Promise<void> {
  const { unit, controlGroup } = workload
  const images = imagesOf(checkpoint)
  await noteTasks(checkpoint, controlGroup)
  const obstacle = await workload.dump({
    images,
    external: ties.external,
    leave: 'stopped',
    timeoutSeconds: dumpLimit(workload, memoryBytes),
  })
  if (!obstacle) return await noteDumpedTasks(checkpoint, controlGroup)
  throw new Failure(
    'failed',
    `The checkpoint of ${unit} failed: ${obstacle.reason}; ${images.directory}/dump.log has the details.`,
  )
}

/** CRIU leaves dumped tasks stopped, and their sockets in repair; a task it never reached doesn't mind. */
async function thaw(swap: Swap): Promise<void> {
  try {
    await endTcpRepair((await tasksOf(swap.plan)).flat())
  } finally {
    await Promise.all(
      preserved(swap.plan).map(({ unit, controlGroup }) =>
        wake(checkpointDirectory(swap, unit), controlGroup),
      ),
    )
  }
}

/** What the kernel shows of the stopped tasks; `verify` compares it with what the next kernel shows. */
async function snapshot({ swap, probe, limit }: SwapContext): Promise<void> {
  await saveSnapshots(swap, 'before', { isHeld: true, deadline: limit, probe })
}

async function listFiles({ carried, sums, limit }: SwapContext): Promise<void> {
  await eachOf(carried, limit!, async ({ checkpoint }) =>
    writeManifest(checkpoint, await sums.get(checkpoint)),
  )
}

async function seal(context: SwapContext): Promise<void> {
  const tasks = await tasksOf(context.swap.plan)
  const [sockets, pids] = [await socketsOf(tasks), tasks.flat()]
  refuseIfMoved(context, sockets, pids)
  await writeLandingGate(gateRules(sockets, 'unreachable'))
  const [awaited, mend] = await Promise.all([awaitedPeers(pids), mendings(pids)])
  await writeLandingPeers(awaited)
  await writeLandingMendings(mend)
  context.sealed = pids
  await syncFileSystem(context.swap.directory)
  // A boot that restores something this freeze has been given up with would be one too many.
  context.limit!.check()
  await sealLanding()
}

/** How often the seal is tried to be taken away, and how long between two tries, in milliseconds. */
const [unsealTries, unsealPause] = [10, 1000]

/** A file system that an error has made read-only, or a jump that failed and goes on behind us, is made writable again. */
async function unseal(): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await unsealLanding()
    } catch (error) {
      if (tries === unsealTries) throw error
      await remountWritable()
      await setTimeout(unsealPause)
    }
  }
}

/** Between looking at a service and freezing it, it may have opened a connection or forked. */
function refuseIfMoved(
  { gated, lastPid }: SwapContext,
  sockets: readonly InetSocket[],
  pids: readonly number[],
): void {
  const [port] = letBy(gated, sockets).map(({ localPort }) => localPort)
  if (port !== undefined) {
    throw new Failure(
      'failed',
      `A service opened TCP port ${port} while it was being frozen; run the swap again.`,
    )
  }
  if (idsOf(pids).some((id) => id > lastPid)) {
    throw new Failure('failed', 'So many processes were started that PIDs would collide; run the swap again.')
  }
}
