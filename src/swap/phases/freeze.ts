import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { checkArchive } from '../../archive/check.ts'
import { sumFiles, writeManifest } from '../../archive/manifest.ts'
import { packTree } from '../../archive/pack.ts'
import type { Deadline } from '../../deadline.ts'
import { Failure } from '../../errors.ts'
import {
  type Passenger,
  sealLanding,
  unsealLanding,
  writeLandingGate,
  writeLandingMendings,
  writeLandingPeers,
} from '../../landing/landing.ts'
import { checkpointFile, type tmpfsArchives } from '../../layout.ts'
import { gateRules, openGate, raiseGate } from '../../network/gate.ts'
import type { InetSocket } from '../../proc/inet-sockets.ts'
import type { Mount } from '../../proc/mountinfo.ts'
import { dumpAttributes } from '../../tools/getfattr.ts'
import { remountWritable } from '../../tools/mount.ts'
import { syncFileSystem } from '../../tools/sync.ts'
import { dumpedConnections, endTcpRepair } from '../../tools/tcp-repair.ts'
import { checkpointService } from '../../workload/checkpoint.ts'
import { idsOf } from '../../workload/ids.ts'
import { InetTables } from '../../workload/inet-tables.ts'
import { mendings } from '../../workload/mendings.ts'
import { needsMoreThanTheLanding } from '../../workload/obstacles.ts'
import { fileUses, inspectSurroundings, pidsOf, type Surroundings } from '../../workload/service.ts'
import { noteDumpedTasks, noteTasks, wake } from '../../workload/stops.ts'
import { tmpfsFiles } from '../../workload/tmpfs-files.ts'
import { captureHooks } from '../hooks.ts'
import { holdServiceWatchdogs, releaseServiceWatchdogs } from '../host-settings.ts'
import { endLimit, startLimit } from '../limit.ts'
import { preserved } from '../plan.ts'
import { practiseSnapshots, saveSnapshots } from '../snapshots.ts'
import type { Crossing, Phase } from '../step.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { socketsOf, tasksOf } from '../tasks.ts'
import { swapUnit } from '../unit.ts'
import { evacuate } from './evacuate.ts'

/** A dump that takes longer is given up; in seconds. */
const dumpTimeout = 600

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
async function capture(crossing: Crossing): Promise<void> {
  await captureHooks(crossing.swap)
  crossing.probe = await practiseSnapshots(crossing.swap)
  await holdServiceWatchdogs(crossing.swap)
  crossing.limit = await startLimit(crossing.swap, swapUnit, true)
}

/** The tasks go on by now, and have told their watchdogs so. */
async function endVigil(swap: Swap): Promise<void> {
  try {
    await releaseServiceWatchdogs(swap)
  } finally {
    await endLimit(swap)
  }
}

async function closeGate(crossing: Crossing): Promise<void> {
  crossing.gate = gateRules(await socketsOf(await tasksOf(crossing.swap.plan)))
  await raiseGate(crossing.gate)
}

async function checkpoint({ passengers, sums, surroundings, limit }: Crossing): Promise<void> {
  const dumpAndSum = async (passenger: Passenger) => {
    await limit!.during(passenger.service.unit, () => checkpointOne(passenger))
    const summing = sumFiles(passenger.checkpoint, 'images')
    // It goes on beside the other dumps and the next steps; where it fails, `manifest` tells.
    summing.catch(() => {})
    sums.set(passenger.checkpoint, summing)
  }
  // Every dump has ended before a failure is told: thawing what CRIU is still about to stop would leave it stopped.
  const dumps = await Promise.allSettled(passengers.map(dumpAndSum))
  const failed = dumps.find((dump) => dump.status === 'rejected')
  if (failed) throw failed.reason
  await refuseNewNeeds(passengers, surroundings!)
}

/** Connections that came after the plan may go where the landing puts no address and no route back. */
async function refuseNewNeeds(passengers: readonly Passenger[], surroundings: Surroundings): Promise<void> {
  const tables = new InetTables()
  for (const { service } of passengers) {
    const inetSockets = await tables.heldBy(await pidsOf(service.controlGroup))
    const obstacle = needsMoreThanTheLanding({ ...service, inetSockets }, surroundings)
    if (obstacle)
      throw new Failure(
        'failed',
        `${service.unit} ${obstacle.reason}; ${obstacle.remedy}, or swap without it.`,
      )
  }
}

async function checkpointOne({ service, ties, checkpoint }: Passenger): Promise<void> {
  const images = checkpointFile(checkpoint, 'images')
  await noteTasks(checkpoint, service.controlGroup)
  const obstacle = await checkpointService(service, {
    images,
    external: ties.external,
    leave: 'stopped',
    timeoutSeconds: dumpTimeout,
  })
  if (!obstacle) return await noteDumpedTasks(checkpoint, service.controlGroup)
  throw new Failure(
    'failed',
    `The checkpoint of ${service.unit} failed: ${obstacle.reason}; ${images}/dump.log has the details.`,
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
async function snapshot({ swap, probe, limit }: Crossing): Promise<void> {
  await saveSnapshots(swap, 'before', { isHeld: true, deadline: limit, probe })
}

/** Now that they stand still: what they have opened since they were planned counts as well. */
async function archive({ passengers, limit }: Crossing): Promise<void> {
  const surroundings = await inspectSurroundings()
  const uses = await fileUses(passengers.map(({ service }) => service.controlGroup))
  const archiveOne = async ({ service, checkpoint }: Passenger, index: number) => {
    const files = tmpfsFiles(service, uses[index]!, surroundings)
    const { mounts } = surroundings
    const host = { root: '/', members: files.host, parents: files.parents, mounts }
    await archiveFiles(host, checkpoint, 'host')
    const seen = uses[index]!.find(({ pid }) => pid === service.mainPid)?.mounts ?? []
    const root = `/proc/${service.mainPid}/root`
    const room = { root, members: files.private, parents: [], mounts: seen }
    await archiveFiles(room, checkpoint, 'private')
  }
  await eachPassenger(passengers, limit!, archiveOne)
}

async function eachPassenger(
  passengers: readonly Passenger[],
  limit: Deadline,
  act: (passenger: Passenger, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    passengers.map((passenger, index) => limit.during(passenger.service.unit, () => act(passenger, index))),
  )
}

interface Archived {
  readonly root: string
  readonly members: readonly string[]
  readonly parents: readonly string[]
  readonly mounts: readonly Mount[]
}

async function archiveFiles(
  { root, members, parents, mounts }: Archived,
  checkpoint: string,
  name: (typeof tmpfsArchives)[number],
): Promise<void> {
  if (members.length === 0) return
  const archive = checkpointFile(checkpoint, `${name}.tar`)
  // Files of other file systems outlast the boot, or are served by somebody who may stand still now (fuse(4)).
  const without = new Set(mounts.filter(({ type }) => type !== 'tmpfs').map((mount) => mount.target))
  const packed = await packTree(root, members, archive, { alone: parents, without })
  const read = await checkArchive(archive)
  if (packed !== read)
    throw new Failure('failed', `${archive} holds ${read} of ${packed} files; nothing was swapped.`)
  const relative = (paths: readonly string[]) => paths.map((path) => join('.', path))
  const attributes = [
    await dumpAttributes(root, relative(parents), { recursive: false }),
    await dumpAttributes(root, relative(members)),
  ]
  await writeFile(checkpointFile(checkpoint, `${name}.xattrs`), attributes.join(''), { mode: 0o600 })
}

async function listFiles({ passengers, sums, limit }: Crossing): Promise<void> {
  await eachPassenger(passengers, limit!, async ({ checkpoint }) =>
    writeManifest(checkpoint, await sums.get(checkpoint)),
  )
}

async function seal(crossing: Crossing): Promise<void> {
  const tasks = await tasksOf(crossing.swap.plan)
  const [sockets, pids] = [await socketsOf(tasks), tasks.flat()]
  refuseIfMoved(crossing, sockets, pids)
  await writeLandingGate(gateRules(sockets, 'unreachable'))
  const connections = await dumpedConnections(pids)
  await writeLandingPeers(connections)
  await writeLandingMendings(await mendings(pids, connections))
  crossing.sealed = pids
  await syncFileSystem(crossing.swap.directory)
  // A boot that restores something this freeze has been given up with would be one too many.
  crossing.limit!.check()
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
  { gate, lastPid }: Crossing,
  sockets: readonly InetSocket[],
  pids: readonly number[],
): void {
  if (gateRules(sockets) !== gate) {
    throw new Failure(
      'failed',
      'A service opened or closed a port while it was being frozen; run the swap again.',
    )
  }
  if (idsOf(pids).some((id) => id > lastPid)) {
    throw new Failure('failed', 'So many processes were started that PIDs would collide; run the swap again.')
  }
}
