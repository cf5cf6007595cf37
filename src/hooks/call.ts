import { abiHookId, isAbiHookOn, runAbiHook } from './built-in.ts'
import { findHooks } from './find.ts'
import { runHooks } from './run.ts'
import type { HookContext, HookResult, HookSituation, Verb } from './types.ts'

export interface CallOptions {
  /** What `capture` said, by hook; for `verify`. */
  readonly baselines?: Readonly<Record<string, HookContext['baseline']>>
  /** False where ABI verification is done apart, for all workloads at once. */
  readonly abi?: boolean
}

/** Calls every hook of the situation's unit with one word: what is built in first, unless it is masked. */
export async function callHooks(
  verb: Verb,
  situation: HookSituation,
  { baselines = {}, abi = true }: CallOptions = {},
): Promise<readonly HookResult[]> {
  const builtIn =
    abi && (await isAbiHookOn())
      ? [await runAbiHook(verb, situation, { baseline: baselines[abiHookId] })]
      : []
  return [...builtIn, ...(await runHooks(await findHooks(situation.unit), verb, situation, { baselines }))]
}
