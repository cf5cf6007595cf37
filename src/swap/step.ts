import type { Deadline } from '../deadline.ts'
import type { Carried } from '../landing/landing.ts'
import type { InetSocket } from '../proc/inet-sockets.ts'
import type { Probe } from '../tools/probe.ts'
import type { Surroundings } from '../workload/surroundings.ts'
import type { Tell } from './event.ts'
import type { Plan } from './plan.ts'
import type { Swap } from './store.ts'

/** A swap on its way: what is on disk, and what its steps hand on to each other. */
export interface SwapContext {
  readonly swap: Swap
  /** Whoever follows it. */
  readonly tell: Tell
  /** The preserved workloads as `stage` found them. */
  carried: readonly Carried[]
  /** The host around them then, whose network is what the landing puts back. */
  surroundings?: Surroundings
  /** PIDs up to here stay free for the checkpoint on the other side. */
  lastPid: number
  /** The manifest's lines of images, by checkpoint: summing up goes on while other steps are taken. */
  readonly sums: Map<string, Promise<string>>
  /** Sockets whose ports the gate holds. */
  gated: readonly InetSocket[]
  /** PIDs of the tasks that the seal holds. */
  sealed: readonly number[]
  /** Until when the services may stand still; they don't yet where there is none. */
  limit?: Deadline
  /** Started while the services still ran; it waits for their snapshot. */
  probe?: Probe | undefined
}

/**
 * The smallest thing the journal knows. `undo` is called for a step that failed, was finished or was cut short at any
 * point, perhaps by another process than the one that did it: it relies on the swap's directory alone and does no
 * harm where nothing was done.
 */
export interface Step {
  readonly name: string
  /** A step of some swaps only: whether a plan asks for it. */
  readonly isAsked?: (plan: Plan) => boolean
  readonly do: (context: SwapContext) => Promise<void>
  readonly undo?: (swap: Swap) => Promise<void>
  /** How long that may take, where it is more than a minute or so. */
  readonly undoSeconds?: number
  /** Where its undo fails, those of the steps before it would do harm: they are left until it succeeds. */
  readonly isGuard?: boolean
}

export interface Phase {
  readonly name: string
  readonly steps: readonly Step[]
}
