import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sumFiles } from '../archive/manifest.ts'
import { ifMissing } from '../errors.ts'
import { checkpointFile } from '../layout.ts'
import { deathSignal, type ImageFile, logErrors, openFiles, wasStopped } from '../tools/criu.ts'
import type { RoomTies } from './room.ts'

/** The images of one checkpoint, whatever they are kept in. */
export interface CheckpointImages {
  /** Where CRIU writes and reads them, with its logs. */
  readonly directory: string
  /** Makes a place for them, with the options of the restore. */
  prepare(ties: RoomTies): Promise<void>
  /** Lines of the checkpoint's manifest that tell of them. */
  sum(): Promise<string>
  /** What CRIU complains of in the log of a dump, a restore or the second try of one; [] where there is no such log. */
  errors(of: 'dump' | 'restore' | 'restore-again'): Promise<string[]>
  /** When CRIU began and ended a dump or the last try of a restore, in Unix time; undefined where it left no log of it. */
  times(of: 'dump' | 'restore'): Promise<CriuTimes | undefined>
  /** Whether a task was stopped when CRIU took hold of it; undefined where it took hold of no such task. */
  wasStopped(pid: number): Promise<boolean | undefined>
  /** The signal that a thread gets at the death of its parent; 0 where it wants none. */
  deathSignal(tid: number): Promise<number>
  /** What the tasks had open, each once; [] where there is no such image. */
  files(): Promise<readonly ImageFile[]>
  /** Takes them away, and leaves logs and options. */
  discard(): Promise<void>
}

export interface CriuTimes {
  readonly began: number
  readonly ended: number
}

/** CRIU's logs of the first try of a restore, and of the second. */
const logs = { restore: 'images/restore.log', 'restore-again': 'images/restore-again.log' } as const

/** The images that belong to a checkpoint: files of a directory in it. */
export function imagesOf(checkpoint: string): CheckpointImages {
  const directory = checkpointFile(checkpoint, 'images')
  return {
    directory,
    async prepare(ties) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(checkpointFile(checkpoint, 'images/restore.conf'), restoreOptions(ties), {
        mode: 0o600,
      })
    },
    sum: () => sumFiles(checkpoint, 'images'),
    errors: (of) =>
      logErrors(of === 'dump' ? join(directory, 'dump.log') : checkpointFile(checkpoint, logs[of])),
    times: async (of) => {
      const names = of === 'dump' ? ['dump.log'] : ['restore-again.log', 'restore.log']
      const found = await Promise.all(names.map((name) => timesOf(join(directory, name))))
      return found.find((times) => times !== undefined)
    },
    wasStopped: (pid) => wasStopped(directory, pid).catch(ifMissing(undefined)),
    deathSignal: (tid) => deathSignal(directory, tid),
    files: () => openFiles(directory).catch(ifMissing<ImageFile[]>([])),
    async discard() {
      const names = await readdir(directory).catch(ifMissing<string[]>([]))
      const images = names.filter((name) => !/\.(conf|log)$/.test(name))
      await Promise.all(images.map((name) => rm(join(directory, name), { force: true })))
    },
  }
}

/** CRIU makes its log as it begins, and writes to it until it ends (statx(2), STATX_BTIME). */
async function timesOf(log: string): Promise<CriuTimes | undefined> {
  const found = await stat(log).catch(ifMissing(undefined))
  if (!found?.birthtimeMs) return undefined
  return { began: found.birthtimeMs / 1000, ended: found.mtimeMs / 1000 }
}

/** CRIU's option file for a restore (criu(8), CONFIGURATION FILES). */
export function restoreOptions({ external, inherit }: RoomTies): string {
  return [
    ...external.map((resource) => `external ${resource}\n`),
    ...inherit.map((resource) => `inherit-fd ${resource}\n`),
  ].join('')
}
