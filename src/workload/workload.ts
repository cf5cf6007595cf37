import type { Adoption } from './adopt.ts'
import type { CheckpointOptions } from './checkpoint.ts'
import type { Obstacle } from './obstacle.ts'
import type { FileUse } from './process.ts'
import type { RoomTies } from './room.ts'
import type { HostFiles, Surroundings } from './surroundings.ts'
import type { TaskTree } from './task-tree.ts'
import type { TmpfsFiles } from './tmpfs-files.ts'

/** What can be carried over a swap, and what a swap asks of it. */
export interface Workload extends TaskTree {
  /** Every name that settings and options may call it by. */
  readonly names: readonly string[]
  /** What keeps it from being carried, without a checkpoint tried; the first is the one to mend first. */
  obstacles(surroundings: Surroundings): Obstacle[]
  /** What keeps it from being stopped before a swap and started after it. */
  obstaclesToRestart(): Obstacle[]
  /** What will be other than before, though nothing of its own is lost; a sentence each. */
  notes(): string[]
  /** What keeps a checkpoint of it that was made elsewhere from being restored on this host. */
  obstaclesToArrive(): Obstacle[]
  /** The fewest settings that make it carriable; [] where it is. */
  adoptions(surroundings: Surroundings): Adoption[]
  /** What ties it to the room that it runs in. */
  ties(surroundings: Surroundings): RoomTies
  /** Units of systemd's whose sockets its room shows, which must be there before that is made. */
  boundSockets(surroundings: Surroundings): string[]
  /** Its files that a boot loses. @param uses of its processes now */
  tmpfsFiles(uses: readonly FileUse[], files: HostFiles): TmpfsFiles
  /**
   * Checkpoints it.
   * @param signal keeps it from trying again
   * @returns why it can't be; undefined where it was
   */
  dump(options: CheckpointOptions, signal?: AbortSignal): Promise<Obstacle | undefined>
  /**
   * The files by which systemd makes its room in the next boot, with a placeholder in it, and has it restored into that;
   * and keeps away what would take its place.
   */
  unitFiles(checkpoint: string): UnitFile[]
}

/** A file in a directory of units (systemd.unit(5)). */
export interface UnitFile {
  readonly path: string
  readonly content: string
}

/** What systemd, which supervises a workload, says of it now. */
export interface Supervision {
  readonly isActive: boolean
  /** 0 where there is none. */
  readonly mainPid: number
  readonly controlGroup: string
  /** For people, such as `failed (failed)`. */
  readonly state: string
}

/** A kind of workload: how those of it are found, watched, ended and started. */
export interface WorkloadKind {
  /** Whether a unit of this name is of this kind. */
  owns(unit: string): boolean
  /** Those that run, and that a swap is about where nobody names any. */
  running(): Promise<string[]>
  /** Looks at some, each by any of its names. Pure reading. @throws Failure 'refused' for one that isn't there. */
  inspect(units: readonly string[]): Promise<Workload[]>
  supervision(units: readonly string[]): Promise<Supervision[]>
  /** Where they would run on this host if they were started. */
  controlGroups(units: readonly string[]): Promise<string[]>
  start(units: readonly string[]): Promise<void>
  /** In order, and by nothing but what they are themselves. @param isAlone nothing that depends on them is stopped with them */
  stop(units: readonly string[], isAlone: boolean): Promise<void>
  /** At once: tasks that are held must not run again. */
  kill(units: readonly string[]): Promise<void>
}
