import { abiHook } from './abi-hook.ts'
import { builtInHooks, runBuiltIn } from './built-in.ts'
import type { BuiltInHook } from './built-in-hook.ts'
import { byFileName, type FindOptions, foldersOf, type Hook, listHooks } from './find.ts'
import { HostFacts } from './host-facts.ts'
import { runHook } from './run.ts'
import type { HookContext, HookResult, HookSituation, Verb } from './types.ts'

export interface CallOptions {
  /** What `capture` said, by hook; for `verify`. */
  readonly baselines?: Readonly<Record<string, HookContext['baseline']>>
  /** False where ABI verification is done apart, for all workloads at once. */
  readonly abi?: boolean
  /** Of all units that are asked at the same time; read afresh if left out. */
  readonly facts?: HostFacts
  /** Where hooks are looked for. */
  readonly find?: FindOptions
  /** Ends the hooks. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Calls every hook of the situation's unit with one word, one after the other. `check` and `capture` stop at nothing
 * either: every veto and every broken hook is worth knowing at once.
 * @throws what the signal was aborted with.
 */
export async function callHooks(
  verb: Verb,
  situation: HookSituation,
  {
    baselines = {},
    abi = true,
    facts = new HostFacts([situation.unit]),
    find = {},
    signal,
  }: CallOptions = {},
): Promise<readonly HookResult[]> {
  const hooks = await hooksOf(situation.unit, find)
  const results: HookResult[] = []
  for (const hook of hooks) {
    if (hook.id === abiHook.id && !abi && 'answer' in hook) continue
    const baseline = baselines[hook.id]
    results.push(
      await ('answer' in hook
        ? runBuiltIn(hook, verb, situation, { facts, baseline })
        : runHook(hook, verb, situation, { baseline, signal })),
    )
    signal?.throwIfAborted()
  }
  return results
}

/** What is built in, unless it is masked or replaced, and what is found, by file name. */
async function hooksOf(unit: string, options: FindOptions): Promise<readonly (BuiltInHook | Hook)[]> {
  const found = await listHooks(foldersOf(unit), options)
  const builtIn = builtInHooks.filter(({ id }) => found.every((hook) => hook.id !== id))
  return [...builtIn, ...found.filter(({ isMasked }) => !isMasked)].sort((a, b) => byFileName(a.id, b.id))
}
