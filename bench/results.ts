import type { Load } from './options.ts'
import type { Phase } from './phases.ts'

/** How long something was away and what that was made up of; seconds of guest time. */
export interface Outage {
  readonly seconds: number
  readonly phases: readonly Phase[]
}

export interface SwapFigure {
  /** As the client saw it that waited longest: from the last answer before to the first one after. */
  readonly client: Outage
  /** As a carried program saw it: from the last instruction before to the first one after. */
  readonly service: number
}

/** What was measured with one load; undefined is what wasn't. */
export interface LoadResult {
  readonly load: Load
  readonly swap?: SwapFigure
  readonly kexec?: Outage
  readonly reboot?: Outage
}

/** Everything that one run measured. */
export interface Results {
  readonly schema: 'kernelswap.bench/1'
  readonly date: string
  /** Seconds are of counted instructions, two nanoseconds each, or of the wall clock. */
  readonly clock: 'icount' | 'wall'
  readonly versions: Readonly<Record<string, string>>
  readonly floor?: Outage
  readonly loads: readonly LoadResult[]
  /** Of a second swap: how long its plan expected services to stand still, and how long its report says they did. */
  readonly prediction?: { readonly predicted: number; readonly seconds: number }
  /** Seconds to copy a gibibyte of memory once. */
  readonly copyGibibyte?: number
  /** What couldn't be measured, and why. */
  readonly problems: readonly string[]
}

/** What was measured with this load. */
export function withLoad({ loads }: Results, size: number, services: number): LoadResult | undefined {
  return loads.find(({ load }) => load.size === size && load.services === services)
}

/** What adds figures of a load to results. */
export function withFigures(load: Load, figures: Omit<LoadResult, 'load'>): (results: Results) => Results {
  return (results) => ({
    ...results,
    loads: results.loads.map((result) => (result.load === load ? { ...result, ...figures } : result)),
  })
}
