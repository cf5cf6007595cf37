import type { Phase } from './phases.ts'
import { type Outage, type Results, withLoad } from './results.ts'

/** What a figure should be, what it is, and how that is judged. */
export interface Verdict {
  readonly target: string
  /** In words; null where it wasn't measured. */
  readonly figure: string | null
  readonly verdict: 'pass' | 'MISS' | 'not measured'
  /** For a miss, the phase that costs most. */
  readonly costliest?: string
}

/** Sizes are in mebibytes. */
const SMALL = 16
const LARGE = 1024

/** Each target beside its figure. Limits are those that the project has set itself (docs/downtime.md). */
export function judge(results: Results): Verdict[] {
  return [
    againstFloor(results),
    againstCold(results),
    clientsView(results),
    memory(results),
    services(results),
    prediction(results),
  ]
}

function againstFloor({ floor, ...results }: Results): Verdict {
  const swap = withLoad(results, SMALL, 1)?.swap
  return ratio('swap, as the service sees it ≤ 1.8 × floor', 1.8, swap?.service, floor?.seconds, swap?.client)
}

function againstCold(results: Results): Verdict {
  const load = withLoad(results, SMALL, 1)
  return ratio(
    'swap, as the service sees it ≤ 0.4 × (kexec + cold)',
    0.4,
    load?.swap?.service,
    load?.kexec?.seconds,
    load?.swap?.client,
  )
}

/** A client may wait longer than its service by a tenth or 300 ms, whichever is more. */
function clientsView(results: Results): Verdict {
  const target = 'client waits at most 10 % or 0.3 s longer than the service'
  const swap = withLoad(results, SMALL, 1)?.swap
  if (!swap) return notMeasured(target)
  const longer = swap.client.seconds - swap.service
  return judged(
    target,
    `${longer.toFixed(2)} s`,
    longer <= Math.max(0.1 * swap.service, 0.3),
    swap.client.phases.filter(({ name }) => name.startsWith('client')),
  )
}

/** Nothing is dumped ahead of the freeze, so every page counts as dirty. */
function memory(results: Results): Verdict {
  const target = `${SMALL} → ${LARGE} MiB: grows by ≤ 1.3 × copying the memory once`
  const small = withLoad(results, SMALL, 1)?.swap
  const large = withLoad(results, LARGE, 1)?.swap
  if (!small || !large || results.copyGibibyte === undefined) return notMeasured(target)
  const copying = (results.copyGibibyte * (LARGE - SMALL)) / 1024
  return ratio(target, 1.3, large.service - small.service, copying, growth(small.client, large.client))
}

function services(results: Results): Verdict {
  const one = withLoad(results, SMALL, 1)?.swap
  const twelve = withLoad(results, SMALL, 12)?.swap
  const grown = one && twelve && growth(one.client, twelve.client)
  return ratio('12 services ≤ 1.5 × one', 1.5, twelve?.service, one?.service, grown)
}

/** What the second swap of a machine expects, having seen the first. */
function prediction({ prediction: second }: Results): Verdict {
  const target = 'the plan expects the outage within 25 %'
  if (!second) return notMeasured(target)
  const { predicted, seconds } = second
  const error = predicted / seconds - 1
  const figure = `${predicted.toFixed(1)} s for ${seconds.toFixed(1)} s, ${(error * 100).toFixed(0)} %`
  return judged(target, figure, Math.abs(error) <= 0.25, [])
}

/** Judges a ratio; for a miss, the phases of `outage` say what costs most. */
function ratio(
  target: string,
  limit: number,
  figure: number | undefined,
  reference: number | undefined,
  outage: Outage | undefined,
): Verdict {
  if (figure === undefined || reference === undefined) return notMeasured(target)
  const value = figure / reference
  return judged(target, `${value.toFixed(2)} ×`, value <= limit, outage?.phases ?? [])
}

function judged(target: string, figure: string, isMet: boolean, phases: readonly Phase[]): Verdict {
  if (isMet) return { target, figure, verdict: 'pass' }
  const costliest = costliestOf(phases)
  return { target, figure, verdict: 'MISS', ...(costliest === undefined ? {} : { costliest }) }
}

function notMeasured(target: string): Verdict {
  return { target, figure: null, verdict: 'not measured' }
}

function costliestOf(phases: readonly Phase[]): string | undefined {
  const most = phases.toSorted((a, b) => b.seconds - a.seconds)[0]
  return most && `${most.name}: ${most.seconds.toFixed(2)} s`
}

/** By how much each phase is longer than in another outage. */
function growth(from: Outage, to: Outage): Outage {
  const phases = to.phases.map(({ name, seconds }) => ({
    name,
    seconds: seconds - (from.phases.find((phase) => phase.name === name)?.seconds ?? 0),
  }))
  return { seconds: to.seconds - from.seconds, phases }
}
