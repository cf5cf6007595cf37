/** How one client fared from its start to its stop. */
export interface ClientReport {
  /** The unit that it talked to. */
  readonly service: string
  /** It ended on the connection that it started with, and that still answered. */
  readonly connectionSurvived: boolean
  /** Requests that were answered as they should be. */
  readonly requests: number
  /** Requests that were answered otherwise, or not at all. */
  readonly errors: number
  /** Writes that were acknowledged and are not there. */
  readonly lost: number
  /** Writes that are there more often than they were sent. */
  readonly doubled: number
  /** The longest time between two answers. */
  readonly gapSeconds: number
  /** What went wrong first, in words. */
  readonly problem: string | null
}
