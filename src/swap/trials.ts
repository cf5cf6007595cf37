import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ifMissing, isErrno } from '../errors.ts'
import { paths } from '../paths.ts'
import { forEachOf } from '../pool.ts'
import { readTargets } from '../proc/descriptors.ts'
import { endTcpRepair } from '../tools/tcp-repair.ts'
import { dumpLimit, smallDumpSeconds } from '../workload/checkpoint.ts'
import { pidsOf } from '../workload/control-group.ts'
import { harmOf } from '../workload/harm.ts'
import { imagesOf } from '../workload/images.ts'
import { type BuiltKernel, lackOf } from '../workload/kernel-features.ts'
import type { Obstacle } from '../workload/obstacle.ts'
import type { Surroundings } from '../workload/surroundings.ts'
import type { Workload } from '../workload/workload.ts'
import { type Tell, unitTeller } from './event.ts'
import { bootId } from './store.ts'

/** What the checkpoint of a workload came to that was taken for real, and from which it ran on. */
export interface Trial {
  readonly seconds: number
  readonly obstacle: Obstacle | undefined
}

/** Who was tried, for whoever clears up after us: `BOOT CONTROL-GROUP`. */
const markName = 'kernelswap-trial'

/**
 * Tries the checkpoints of workloads, one on each processor, and keeps nothing of them. A request to stop lets those that are
 * under way end, since a dump that is cut short may harm its tasks.
 * @param memory bytes of each, by unit
 * @param kernel files of the kernel to restore them
 * @param signal the request to stop
 * @throws what the signal was aborted with.
 */
export async function tryCheckpoints(
  workloads: readonly Workload[],
  surroundings: Surroundings,
  memory: ReadonlyMap<string, number>,
  kernel: BuiltKernel,
  tell: Tell,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Trial>> {
  const teller = unitTeller('trial checkpoint', workloads.length, tell)
  const trials = await forEachOf(workloads, availableParallelism(), async (workload) => {
    signal?.throwIfAborted()
    teller(workload.unit)
    const trial = await tryCheckpoint(workload, surroundings, memory.get(workload.unit) ?? 0, kernel, signal)
    return [workload.unit, trial] as const
  })
  signal?.throwIfAborted()
  return new Map(trials)
}

async function tryCheckpoint(
  workload: Workload,
  surroundings: Surroundings,
  memoryBytes: number,
  kernel: BuiltKernel,
  signal: AbortSignal | undefined,
): Promise<Trial> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 })
  const directory = await mkdtemp(join(paths.state, 'trial-'))
  const began = performance.now()
  try {
    await writeFile(join(directory, markName), `${await bootId()} ${workload.controlGroup}`, { mode: 0o600 })
    const ties = workload.ties(surroundings)
    const images = imagesOf(directory)
    await images.prepare(ties)
    const options = {
      images,
      external: ties.external,
      leave: 'running',
      timeoutSeconds: dumpLimit(workload, memoryBytes),
    } as const
    const obstacle =
      (await workload.dump(options, signal)) ??
      (await harmOf(workload, images)) ??
      (await lackOf(workload, images, kernel))
    return { seconds: (performance.now() - began) / 1000, obstacle }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Directories of trials: under way, or left by a kernelswap that was killed. They hold the memory of services. */
export async function findTrials(state: string = paths.state): Promise<string[]> {
  const names = await readdir(state).catch(ifMissing<string[]>([]))
  return names.filter((name) => name.startsWith('trial-')).map((name) => join(state, name))
}

/**
 * Removes what trials left that were cut short, and lets the connections of their services be read from again. Only under
 * the lock of kernelswap: no other trial is under way then. A dump that outlived its kernelswap is waited for as long as a
 * small one may take, and then left alone.
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
  for (const late = Date.now() + smallDumpSeconds * 1000; Date.now() < late; await pause(200)) {
    if (!(await isHeld(directory))) return true
  }
  return false
}

/** True while a process, such as CRIU, has a directory open, or one in it. */
async function isHeld(directory: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return pids.some((pid) => targetsOf(pid).some((target) => `${target}/`.startsWith(`${directory}/`)))
}

/** A process that not even root may look at is none that we have started. */
function targetsOf(pid: string): string[] {
  try {
    return readTargets(pid)
  } catch (error) {
    if (isErrno(error, 'EACCES')) return []
    throw error
  }
}
