import type { Facet } from './facet.ts'
import { facets } from './facets/index.ts'
import type { Readings, Snapshot, TaskSnapshot } from './snapshot.ts'
import type { Comparison, Setting } from './types.ts'

/** What comparing two snapshots came to. Each facet counts once, by the worst that any task showed. */
export interface AbiResult {
  readonly schema: 'kernelswap.abi/1'
  readonly strict: boolean
  readonly facets: FacetCounts
  readonly differences: readonly Difference[]
  /** Differences that the administrator accepts; their facets count as explained. */
  readonly tolerated: readonly ToleratedDifference[]
  readonly explained: readonly FacetReason[]
  readonly unverified: readonly FacetReason[]
  /** Names of those that are as they were. */
  readonly equal?: readonly string[]
}

export interface FacetCounts {
  readonly equal: number
  readonly explained: number
  readonly differing: number
  readonly unverified: number
}

export interface Difference {
  /** `123 (redis-server)`, `123/125 (redis-server)` for a thread, `workload`. */
  readonly task: string
  readonly facet: string
  readonly line: string
}

export interface ToleratedDifference extends Difference {
  /** Why it does no harm, in the administrator's words. */
  readonly reason: string
}

export interface FacetReason {
  readonly facet: string
  readonly reason: string
}

type FacetOutcome = Comparison | { readonly kind: 'unverified'; readonly reason: string }
type Finding = { readonly task: string; readonly facet: string; readonly outcome: FacetOutcome }

/**
 * Compares two snapshots of the same workload, facet by facet.
 * @param options.strict the tasks were held stopped from before the first until after the second: nothing may
 *   have moved. Without it, what moves while tasks run is explained instead.
 * @param options.tolerate facets that may differ, each with the reason
 */
export function diffSnapshots(
  before: Snapshot,
  after: Snapshot,
  options: { readonly strict: boolean; readonly tolerate?: Readonly<Record<string, string>> },
): AbiResult {
  const setting: Setting = {
    strict: options.strict,
    sameKernel: before.kernel === after.kernel,
    elapsedSeconds: secondsBetween(before.takenAt, after.takenAt),
    heldSeconds: secondsBetween(before.heldSince ?? before.takenAt, before.takenAt),
    tree: new Set(before.tasks.map(({ pid }) => pid)),
  }
  const findings = [
    ...compareTasks(before, after, setting),
    ...compareReadings('workload', 'workload', before.workload, after.workload, setting),
  ]
  return summarise(options.strict, findings, options.tolerate ?? {})
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)
}

function compareTasks(before: Snapshot, after: Snapshot, setting: Setting): Finding[] {
  const present = new Map(after.tasks.map((task) => [task.pid, task]))
  const known = new Set(before.tasks.map(({ pid }) => pid))
  return [
    ...before.tasks.flatMap((task) => {
      const now = present.get(task.pid)
      return now ? compareTask(task, now, setting) : [missing(task, 'gone', setting)]
    }),
    ...after.tasks.filter(({ pid }) => !known.has(pid)).map((task) => missing(task, 'new', setting)),
  ]
}

function compareTask(before: TaskSnapshot, after: TaskSnapshot, setting: Setting): Finding[] {
  const task = `${before.pid} (${before.comm})`
  const readings = compareReadings('task', task, before.facets, after.facets, setting)
  if (isZombie(before) !== isZombie(after)) return readings.filter(({ facet }) => facet === 'state')
  const threads = new Map(after.threads.map((thread) => [thread.tid, thread]))
  return [
    ...readings,
    // A thread on one side only is what the facet `threads` reports.
    ...before.threads.flatMap(({ tid, facets: readings }) =>
      compareReadings(
        'thread',
        tid === before.pid ? task : `${before.pid}/${tid} (${before.comm})`,
        readings,
        threads.get(tid)?.facets,
        setting,
      ),
    ),
  ]
}

/** A process that has ended lost everything: that it did is one difference, not one a facet. */
function isZombie({ facets: { state } }: TaskSnapshot): boolean {
  return state !== undefined && 'value' in state && (state.value as { zombie?: boolean }).zombie === true
}

function compareReadings(
  scope: Facet['scope'],
  task: string,
  before: Readings,
  after: Readings | undefined,
  setting: Setting,
): Finding[] {
  if (!after) return []
  return facets
    .filter((facet) => facet.scope === scope && (!facet.strictOnly || setting.strict))
    .map((facet) => ({
      task,
      facet: facet.name,
      outcome: compareReading(facet, before, after, setting),
    }))
}

function compareReading(facet: Facet, before: Readings, after: Readings, setting: Setting): FacetOutcome {
  for (const readings of [before, after]) {
    const reading = readings[facet.name]
    if (!reading) return { kind: 'unverified', reason: 'one snapshot was taken without it' }
    if ('unverified' in reading) return { kind: 'unverified', reason: reading.unverified }
  }
  const [was, is] = [before[facet.name], after[facet.name]] as { value: never }[]
  return facet.compare(was!.value, is!.value, setting)
}

/**
 * A process on one side only. Those that run start others, and these end: a database's workers live for seconds. That none
 * was lost on the way is told while they are held. Nobody of the tree has started the first of it.
 */
function missing(task: TaskSnapshot, what: 'gone' | 'new', { strict, tree }: Setting): Finding {
  const { parent } = task.facets
  const isChild = parent !== undefined && 'value' in parent && tree.has(parent.value as number)
  const outcome: FacetOutcome =
    strict || !isChild
      ? { kind: 'differing', lines: [what] }
      : { kind: 'explained', reasons: ['processes that run start others, and these end'] }
  return { task: `${task.pid} (${task.comm})`, facet: 'pid', outcome }
}

const WORST_LAST = ['equal', 'explained', 'unverified', 'differing'] as const

function summarise(
  strict: boolean,
  found: readonly Finding[],
  tolerate: Readonly<Record<string, string>>,
): AbiResult {
  const findings = found.map((finding) => tolerating(finding, tolerate[finding.facet]))
  const worst = new Map<string, (typeof WORST_LAST)[number]>()
  for (const { facet, outcome } of findings) {
    const known = worst.get(facet) ?? 'equal'
    worst.set(facet, WORST_LAST.indexOf(outcome.kind) > WORST_LAST.indexOf(known) ? outcome.kind : known)
  }
  const count = (kind: string) => [...worst.values()].filter((one) => one === kind).length
  return {
    schema: 'kernelswap.abi/1',
    strict,
    facets: {
      equal: count('equal'),
      explained: count('explained'),
      differing: count('differing'),
      unverified: count('unverified'),
    },
    differences: findings.flatMap(differencesOf),
    tolerated: found.flatMap((finding) => {
      const reason = tolerate[finding.facet]
      return reason === undefined
        ? []
        : differencesOf(finding).map((difference) => ({ ...difference, reason }))
    }),
    explained: distinct(findings, (outcome) => ('reasons' in outcome ? (outcome.reasons ?? []) : [])),
    unverified: distinct(findings, (outcome) => (outcome.kind === 'unverified' ? [outcome.reason] : [])),
    equal: [...worst].flatMap(([facet, kind]) => (kind === 'equal' ? [facet] : [])),
  }
}

/** A finding as it counts where its facet is tolerated for this reason. What couldn't be read stays unverified. */
function tolerating(finding: Finding, reason: string | undefined): Finding {
  const { outcome } = finding
  if (reason === undefined || outcome.kind !== 'differing') return finding
  const reasons = [...(outcome.reasons ?? []), `tolerated: ${reason}`]
  return { ...finding, outcome: { kind: 'explained', reasons } }
}

function differencesOf({ task, facet, outcome }: Finding): readonly Difference[] {
  return outcome.kind === 'differing' ? outcome.lines.map((line) => ({ task, facet, line })) : []
}

function distinct(
  findings: readonly Finding[],
  reasonsOf: (outcome: FacetOutcome) => readonly string[],
): FacetReason[] {
  const known = new Map<string, FacetReason>()
  for (const { facet, outcome } of findings) {
    for (const reason of reasonsOf(outcome)) known.set(`${facet} ${reason}`, { facet, reason })
  }
  return [...known.values()]
}
