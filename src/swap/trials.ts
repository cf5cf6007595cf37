import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ifMissing } from '../errors.ts'
import { paths } from '../paths.ts'
import { forEachOf } from '../pool.ts'
import { endTcpRepair } from '../tools/tcp-repair.ts'
import { checkpointService, dumpLimit } from '../workload/checkpoint.ts'
import type { Obstacle } from '../workload/obstacle.ts'
import { roomTies } from '../workload/room.ts'
import { pidsOf, type Service, type Surroundings } from '../workload/service.ts'
import { bootId } from './store.ts'

/** What the checkpoint of a service came to that was taken for real, and from which it ran on. */
export interface Trial {
  readonly seconds: number
  readonly obstacle: Obstacle | undefined
}

/** Who was tried, for whoever clears up after us: `BOOT CONTROL-GROUP`. */
const markName = 'kernelswap-trial'

/**
 * Tries the checkpoints of services, one on each processor, and keeps nothing of them. A request to stop lets those that are
 * under way end, since a dump that is cut short may harm its tasks.
 * @param memory bytes of each, by unit
 * @param signal the request to stop
 * @throws what the signal was aborted with.
 */
export async function tryCheckpoints(
  services: readonly Service[],
  surroundings: Surroundings,
  memory: ReadonlyMap<string, number>,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Trial>> {
  const trials = await forEachOf(services, availableParallelism(), async (service) => {
    signal?.throwIfAborted()
    say(`trial checkpoint of ${service.unit}`)
    const trial = await tryCheckpoint(service, surroundings, memory.get(service.unit) ?? 0, signal)
    return [service.unit, trial] as const
  })
  signal?.throwIfAborted()
  return new Map(trials)
}

async function tryCheckpoint(
  service: Service,
  surroundings: Surroundings,
  memoryBytes: number,
  signal: AbortSignal | undefined,
): Promise<Trial> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  const images = await mkdtemp(join(paths.state, 'trial-'))
  const areas = service.processes.reduce((sum, process) => sum + process.areas, 0)
  const began = performance.now()
  try {
    await writeFile(join(images, markName), `${await bootId()} ${service.controlGroup}`, { mode: 0o600 })
    const options = {
      images,
      external: roomTies(service, surroundings).external,
      leave: 'running',
      timeoutSeconds: dumpLimit(memoryBytes, areas),
    } as const
    const obstacle = await checkpointService(service, options, signal)
    return { seconds: (performance.now() - began) / 1000, obstacle }
  } finally {
    await rm(images, { recursive: true, force: true })
  }
}

/** Directories of trials: under way, or left by a kernelswap that was killed. They hold the memory of services. */
export async function findTrials(state: string = paths.state): Promise<string[]> {
  const names = await readdir(state).catch(ifMissing<string[]>([]))
  return names.filter((name) => name.startsWith('trial-')).map((name) => join(state, name))
}

/** How long a dump that outlived its kernelswap is waited for, in milliseconds. */
const patience = 120_000

/**
 * Removes what trials left that were cut short, and lets the connections of their services be read from again. Only under
 * the lock of kernelswap: no other trial is under way then. A dump that still goes on is waited for, and left alone where
 * it takes too long.
 */
export async function clearTrials(state: string = paths.state): Promise<void> {
  const boot = await bootId()
  for (const directory of await findTrials(state)) {
    const mark = await readFile(join(directory, markName), 'utf8').catch(ifMissing(''))
    if (mark.startsWith(`${boot} /`)) {
      if (!(await isLeft(directory))) continue
      await endTcpRepair(await pidsOf(mark.slice(boot.length + 1)))
    }
    await rm(directory, { recursive: true, force: true })
  }
}

async function isLeft(directory: string): Promise<boolean> {
  for (const late = Date.now() + patience; Date.now() < late; await pause(200)) {
    if (!(await isHeld(directory))) return true
  }
  return false
}

/** True while a process, such as CRIU, has a directory open. */
async function isHeld(directory: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    if (targets.includes(directory)) return true
  }
  return false
}
