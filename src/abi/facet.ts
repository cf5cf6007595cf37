import type { TaskReader, WorkloadReader } from './readers.ts'
import type { ThreadReader } from './thread.ts'
import type { Compare, Json } from './types.ts'

interface Described {
  /** Short and stable, as in configuration and reports: `fd-offsets`. */
  readonly name: string
  /** What it is, for people. */
  readonly title: string
  /** Where its meaning comes from: `proc_pid_status(5)`. */
  readonly manual: string
  /** Only read with `strict`: too slow for the freeze of a plain swap. */
  readonly strictOnly?: boolean
}

/** One part of the state that a process can see through the kernel's ABI. */
export type Facet<V extends Json = Json> = Described & {
  readonly compare: Compare<V>
} & (
    | { readonly scope: 'task'; readonly read: (task: TaskReader) => V }
    | { readonly scope: 'thread'; readonly read: (thread: ThreadReader) => V }
    | { readonly scope: 'workload'; readonly read: (workload: WorkloadReader) => V }
  )

/**
 * Declares a facet. The type of its value stays between its own `read` and `compare`; the list of facets
 * holds them all alike.
 */
export function facet<V extends Json>(of: Facet<V>): Facet {
  return of as unknown as Facet
}
