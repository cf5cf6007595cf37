/** What a snapshot can hold: it is written to a file and read back on another kernel. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A value that was read, or why it wasn't. What wasn't read never counts as equal. */
export type Reading = { readonly value: Json } | { readonly unverified: string }

/** What comparing one facet of one task came to. */
export type Comparison =
  | { readonly kind: 'equal' }
  | { readonly kind: 'explained'; readonly reasons: readonly string[] }
  | { readonly kind: 'differing'; readonly lines: readonly string[]; readonly reasons?: readonly string[] }

/** What a comparison may lean on besides the two values. */
export interface Setting {
  /** The tasks were held stopped for both snapshots: nothing may have moved. */
  readonly strict: boolean
  /** Both snapshots were taken on the same kernel release. */
  readonly sameKernel: boolean
  /** Between the two snapshots by the clock on the wall, in seconds. */
  readonly elapsedSeconds: number
  /** How long the tasks had been stopped when the first was taken: kernel timers went on, a checkpoint's did not. */
  readonly heldSeconds: number
  /** PIDs of the workload: a parent outside of them is not part of it. */
  readonly tree: ReadonlySet<number>
}

export type Compare<V extends Json> = (before: V, after: V, setting: Setting) => Comparison

/** Thrown by a facet that can't be read here; its message is the reason in the report. */
export class Unreadable extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'Unreadable'
  }
}
