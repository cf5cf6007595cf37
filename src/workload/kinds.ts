import { Failure } from '../errors.ts'
import { systemdService } from './systemd-service.ts'
import type { Supervision, Workload, WorkloadKind } from './workload.ts'

/** What can be carried. A new kind is a file, and a row here. */
const kinds: readonly WorkloadKind[] = [systemdService]

/** Units of all workloads that run, and that a swap is about where nobody names any. */
export async function runningWorkloads(): Promise<string[]> {
  return (await Promise.all(kinds.map((kind) => kind.running()))).flat()
}

/**
 * Looks at workloads, each once, whichever of its names it is given by. Pure reading.
 * @throws Failure 'refused' for one that isn't there.
 */
export async function inspectWorkloads(units: readonly string[]): Promise<Workload[]> {
  const found = await answers(units, (kind, own) => kind.inspect(own))
  return [...new Map(found.map((workload) => [workload.unit, workload])).values()]
}

/** The same of one. */
export async function inspectWorkload(unit: string): Promise<Workload> {
  const [workload] = await inspectWorkloads([unit])
  return workload!
}

/** What systemd says of workloads now, in their order. */
export function supervisionOf(units: readonly string[]): Promise<Supervision[]> {
  return answers(units, (kind, own) => kind.supervision(own))
}

/** Where workloads would run on this host if they were started, in their order. */
export function controlGroupsOf(units: readonly string[]): Promise<string[]> {
  return answers(units, (kind, own) => kind.controlGroups(own))
}

/** Starts workloads cold. */
export async function startWorkloads(units: readonly string[]): Promise<void> {
  await Promise.all([...byKind(units)].map(([kind, own]) => kind.start(own)))
}

/** Stops workloads in order. @param isAlone nothing that depends on them is stopped with them */
export async function stopWorkloads(units: readonly string[], { isAlone = false } = {}): Promise<void> {
  await Promise.all([...byKind(units)].map(([kind, own]) => kind.stop(own, isAlone)))
}

/** Ends workloads at once: tasks that are held must not run again. */
export async function killWorkloads(units: readonly string[]): Promise<void> {
  await Promise.all([...byKind(units)].map(([kind, own]) => kind.kill(own)))
}

/** What each kind answers of its own, in the order of the units. */
async function answers<T>(
  units: readonly string[],
  ask: (kind: WorkloadKind, own: readonly string[]) => Promise<T[]>,
): Promise<T[]> {
  const found = new Map<string, T>()
  for (const [kind, own] of byKind(units)) {
    const answered = await ask(kind, own)
    for (const [index, unit] of own.entries()) found.set(unit, answered[index]!)
  }
  return units.map((unit) => found.get(unit)!)
}

function byKind(units: readonly string[]): ReadonlyMap<WorkloadKind, readonly string[]> {
  const all = new Map<WorkloadKind, string[]>()
  for (const unit of units) {
    const kind = kindOf(unit)
    all.set(kind, [...(all.get(kind) ?? []), unit])
  }
  return all
}

function kindOf(unit: string): WorkloadKind {
  const kind = kinds.find((one) => one.owns(unit))
  if (kind) return kind
  throw new Failure('refused', `${unit} is nothing that can be carried; \`kernelswap plan\` lists what is.`)
}
