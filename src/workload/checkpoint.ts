import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type DumpOptions, dump, logErrors } from '../tools/criu.ts'
import { endTcpRepair } from '../tools/tcp-repair.ts'
import { explainDump, triesOf } from './dump-errors.ts'
import type { Obstacle } from './obstacle.ts'
import { pidsOf, type Service } from './service.ts'

/** What the caller decides; the rest is the service's own. */
export type CheckpointOptions = Omit<DumpOptions, 'pid'>

/** How long to wait before another try, in milliseconds. */
const breath = 300

/**
 * Checkpoints a service, and tries again where it was refused for what may have passed by. After a failure the tasks run
 * on, whatever they were to be left as.
 * @param signal keeps it from trying again
 * @returns why it can't be dumped; undefined where it was
 */
export async function checkpointService(
  { unit, mainPid, controlGroup }: Pick<Service, 'unit' | 'mainPid' | 'controlGroup'>,
  options: CheckpointOptions,
  signal?: AbortSignal,
): Promise<Obstacle | undefined> {
  for (let tries = 1; ; tries += 1) {
    const ended = await dump({ ...options, pid: mainPid })
    if (ended.code === 0) return undefined
    // One that was cut short leaves connections that nobody can read from.
    await endTcpRepair(await pidsOf(controlGroup))
    const errors = await logErrors(join(options.images, 'dump.log'))
    if (ended.wasKilled || tries >= triesOf(errors) || signal?.aborted)
      return explainDump(unit, errors, ended.stderr)
    await discardImages(options.images)
    await pause(tries * breath)
  }
}

/** A dump that is tried again must not find half of another. */
async function discardImages(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.img'))
  await Promise.all(names.map((name) => rm(join(directory, name), { force: true })))
}

/**
 * How long a dump may take, in seconds: what a busy host takes for a small one, and more for each part of its memory and
 * each mapped area, which CRIU walks through one by one.
 */
export function dumpLimit(memoryBytes: number, areas: number): number {
  return Math.ceil(120 + memoryBytes / 10e6 + areas / 50)
}
