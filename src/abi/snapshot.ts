import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { performance } from 'node:perf_hooks'
import { type Deadline, Overdue } from '../deadline.ts'
import { messageOf } from '../errors.ts'
import type { Probe } from '../tools/probe.ts'
import { answersTo } from './answers.ts'
import type { Facet } from './facet.ts'
import { facets } from './facets/index.ts'
import type { TaskReader } from './readers.ts'
import { HostReader, WorkloadReader } from './readers.ts'
import type { Reading } from './types.ts'

export type Readings = Readonly<Record<string, Reading>>

/** The state of a workload as its kernel showed it at one moment. */
export interface Snapshot {
  readonly schema: 'kernelswap.snapshot/1'
  readonly takenAt: string
  /** Since when the tasks stood still, where somebody stopped them before: what a checkpoint of them shows. */
  readonly heldSince?: string
  readonly kernel: string
  readonly bootId: string
  readonly strict: boolean
  /** What taking it took. */
  readonly milliseconds: number
  readonly tasks: readonly TaskSnapshot[]
  /** Facets that belong to no single task. */
  readonly workload: Readings
}

export interface TaskSnapshot {
  readonly pid: number
  readonly comm: string
  readonly facets: Readings
  readonly threads: readonly { readonly tid: number; readonly facets: Readings }[]
}

export interface SnapshotOptions {
  /**
   * Also read what takes longer and makes sense only while the tasks stand still: bytes of memory, waiting
   * bytes, registers.
   */
  readonly strict: boolean
  /** When the tasks were stopped, or a moment before. */
  readonly heldSince?: Date | undefined
  /**
   * Where somebody holds the tasks of all workloads: of each those that were stopped before, and will be afterwards. A stop
   * of another one is not its own.
   */
  readonly stopped?: readonly ReadonlySet<number>[] | undefined
  /** A probe that is up already; it ends with the snapshot. */
  readonly probe?: Probe | undefined
  /** Past it, taking them is given up, and `takeSnapshots` throws Overdue; `names` tell at which workload it was. */
  readonly deadline?: Deadline | undefined
  readonly names?: readonly string[]
}

/**
 * Reads every facet of these processes. A facet that can't be read is recorded as unverified with the reason;
 * a process that is gone is left out, and the comparison says so.
 */
export async function takeSnapshot(pids: readonly number[], options: SnapshotOptions): Promise<Snapshot> {
  const [snapshot] = await takeSnapshots([pids], options)
  return snapshot!
}

/** As takeSnapshot, for several workloads at once: faster than one after the other while all are frozen. */
export async function takeSnapshots(
  workloads: readonly (readonly number[])[],
  { strict, heldSince, stopped, probe, deadline, names = [] }: SnapshotOptions,
): Promise<readonly Snapshot[]> {
  const started = performance.now()
  const takenAt = new Date().toISOString()
  const host = new HostReader()
  const readers = workloads.map(
    (pids, index) => new WorkloadReader(pids, strict, host, { deadline, stopped: stopped?.[index] }),
  )
  const answers = await answersTo(readers, probe)
  const taken = (reader: WorkloadReader): Snapshot => {
    reader.accept(answers)
    return {
      schema: 'kernelswap.snapshot/1',
      takenAt,
      ...(heldSince ? { heldSince: heldSince.toISOString() } : {}),
      kernel: release(),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      strict,
      workload: read('workload', reader, strict),
      tasks: reader.tasks
        .filter(({ proc }) => existsSync(proc.path))
        .map((task) => taskSnapshot(task, strict)),
      milliseconds: Math.round(performance.now() - started),
    }
  }
  const snapshots: Snapshot[] = []
  for (const [index, reader] of readers.entries()) {
    const take = () => withoutStacks(() => taken(reader))
    snapshots.push(deadline ? await deadline.during(names[index] ?? '', take) : take())
  }
  return snapshots
}

/** What can't be read becomes a line of text; following each error's way would take longer than the reading. */
function withoutStacks<T>(act: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return act()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function taskSnapshot(task: TaskReader, strict: boolean): TaskSnapshot {
  task.workload.deadline?.check()
  return {
    pid: task.pid,
    comm: attempt(() => task.stat.comm, '?'),
    facets: read('task', task, strict),
    threads: attempt(() => task.threads, []).map((thread) => ({
      tid: thread.tid,
      facets: read('thread', thread, strict),
    })),
  }
}

function read(scope: Facet['scope'], subject: unknown, strict: boolean): Readings {
  const readings: Record<string, Reading> = {}
  for (const facet of facets) {
    if (facet.scope !== scope || (facet.strictOnly && !strict)) continue
    try {
      readings[facet.name] = { value: facet.read(subject as never) }
    } catch (error) {
      if (error instanceof Overdue) throw error
      readings[facet.name] = { unverified: messageOf(error) }
    }
  }
  return readings
}

/** A process may end while it is read; its facets say so. */
function attempt<T>(get: () => T, otherwise: T): T {
  try {
    return get()
  } catch {
    return otherwise
  }
}
