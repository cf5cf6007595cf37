import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { performance } from 'node:perf_hooks'
import { messageOf } from '../errors.ts'
import { facets } from './facets/index.ts'
import type { Facet, Reading } from './types.ts'
import { WorkloadReader } from './workload.ts'

export type Readings = Readonly<Record<string, Reading>>

/** The state of a workload as its kernel showed it at one moment. */
export interface Snapshot {
  readonly schema: 'kernelswap.snapshot/1'
  readonly takenAt: string
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

/**
 * Reads every facet of these processes. A facet that can't be read is recorded as unverified with the reason;
 * a process that is gone is left out, and the comparison says so.
 * @param options.strict also read what takes longer: the bytes of private memory, waiting bytes, registers
 */
export async function takeSnapshot(
  pids: readonly number[],
  options: { readonly strict: boolean },
): Promise<Snapshot> {
  const started = performance.now()
  const workload = new WorkloadReader(pids, options.strict)
  await workload.ask()
  const tasks = workload.tasks
    .filter(({ proc }) => existsSync(proc.path))
    .map((task) => ({
      pid: task.pid,
      comm: commOf(() => task.stat.comm),
      facets: read('task', task, options.strict),
      threads: threadsOf(() => task.threads).map((thread) => ({
        tid: thread.tid,
        facets: read('thread', thread, options.strict),
      })),
    }))
  return {
    schema: 'kernelswap.snapshot/1',
    takenAt: new Date().toISOString(),
    kernel: release(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    strict: options.strict,
    workload: read('workload', workload, options.strict),
    tasks,
    milliseconds: Math.round(performance.now() - started),
  }
}

function read(scope: Facet['scope'], subject: unknown, strict: boolean): Readings {
  const readings: Record<string, Reading> = {}
  for (const facet of facets) {
    if (facet.scope !== scope || (facet.strictOnly && !strict)) continue
    try {
      readings[facet.name] = { value: facet.read(subject as never) }
    } catch (error) {
      readings[facet.name] = { unverified: messageOf(error) }
    }
  }
  return readings
}

function commOf(comm: () => string): string {
  try {
    return comm()
  } catch {
    return '?'
  }
}

function threadsOf<T>(threads: () => readonly T[]): readonly T[] {
  try {
    return threads()
  } catch {
    return []
  }
}
