import { readdir } from 'node:fs/promises'
import { ifMissing } from '../errors.ts'
import type { CheckpointImages } from './images.ts'
import type { Obstacle } from './obstacle.ts'
import type { TaskTree } from './task-tree.ts'

/**
 * What a restore would do to a tree of tasks, and nobody could put right afterwards, as its checkpoint shows: the parent of its
 * main process is CRIU until that has ended, and the kernel tells of that whoever wants to hear it (PR_SET_PDEATHSIG(2const)).
 */
export async function harmOf(
  { unit, mainPid }: Pick<TaskTree, 'unit' | 'mainPid'>,
  images: Pick<CheckpointImages, 'deathSignal'>,
): Promise<Obstacle | undefined> {
  const tids = await readdir(`/proc/${mainPid}/task`).catch(ifMissing<string[]>([]))
  // A thread that was not there yet at the checkpoint.
  const signals = await Promise.all(tids.map((tid) => images.deathSignal(Number(tid)).catch(ifMissing(0))))
  const signal = signals.find((one) => one > 0)
  if (signal === undefined) return undefined
  return {
    code: 'parent-death-signal',
    reason: `asks for signal ${signal} when its parent ends, which CRIU does once it has restored it`,
    remedy: `--restart ${unit}`,
  }
}
