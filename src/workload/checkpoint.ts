import { setTimeout as pause } from 'node:timers/promises'
import { type DumpOptions, dump } from '../tools/criu.ts'
import { endTcpRepair } from '../tools/tcp-repair.ts'
import { pidsOf } from './control-group.ts'
import { explainDump, triesOf } from './dump-errors.ts'
import { foreignSession } from './ids.ts'
import type { CheckpointImages } from './images.ts'
import type { Obstacle } from './obstacle.ts'
import type { Process } from './process.ts'
import type { TaskTree } from './task-tree.ts'

/** What the caller decides; the rest is the workload's own. */
export interface CheckpointOptions extends Omit<DumpOptions, 'pid' | 'images'> {
  readonly images: CheckpointImages
}

/** How long to wait before another try, in milliseconds. */
const breath = 300

/**
 * Checkpoints a tree of tasks, and tries again where it was refused for what may have passed by. After a failure the tasks run
 * on, whatever they were to be left as.
 * @param signal keeps it from trying again
 * @returns why it can't be dumped; undefined where it was
 */
export async function checkpointTree(
  { unit, mainPid, controlGroup }: Pick<TaskTree, 'unit' | 'mainPid' | 'controlGroup'>,
  options: CheckpointOptions,
  signal?: AbortSignal,
): Promise<Obstacle | undefined> {
  for (let tries = 1; ; tries += 1) {
    const ended = await dump({
      ...options,
      images: options.images.directory,
      pid: mainPid,
      isLeaderless: foreignSession(mainPid) !== undefined,
    })
    if (ended.code === 0) return undefined
    // One that was cut short leaves connections that nobody can read from.
    await endTcpRepair(await pidsOf(controlGroup))
    const errors = await options.images.errors('dump')
    if (ended.wasKilled || tries >= triesOf(errors) || signal?.aborted)
      return explainDump(unit, errors, ended.stderr)
    // It must not find half of another.
    await options.images.discard()
    await pause(tries * breath)
  }
}

/** What a busy host may take for a small dump, in seconds; an idle one takes less than a second. */
export const smallDumpSeconds = 120
/** What the slowest disk writes, in bytes a second: a tenth of what an ordinary one does. */
const slowestDisk = 10e6
/** Mapped areas that CRIU gets through in a second at the least; it walks through them one by one. */
const slowestAreas = 50

/** How long a dump may take, in seconds, by what the tree has in memory. */
export function dumpLimit(
  { processes }: { readonly processes: readonly Pick<Process, 'areas'>[] },
  memoryBytes: number,
): number {
  const areas = processes.reduce((sum, process) => sum + process.areas, 0)
  return Math.ceil(smallDumpSeconds + memoryBytes / slowestDisk + areas / slowestAreas)
}
