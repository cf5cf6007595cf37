import type { HostFacts } from './host-facts.ts'
import type { Judgement } from './judge.ts'
import type { HookContext, HookSituation, Verb } from './types.ts'

/**
 * A hook that starts no program: what every unit is asked would cost a host with many units more than the swap. It keeps
 * to the contract of hooks, and a file of its name replaces or masks it as one of /usr/lib.
 */
export interface BuiltInHook {
  readonly id: string
  readonly answer: (
    verb: Verb,
    situation: HookSituation,
    given: { readonly facts: HostFacts; readonly baseline: HookContext['baseline'] },
  ) => Promise<Judgement>
}
