import { abiHookId, isAbiHookOn, runAbiHook } from './built-in.ts'
import { findHooks } from './find.ts'
import { runHooks } from './run.ts'
import type { HookContext, HookResult, HookSituation, Verb } from './types.ts'

/** Calls every hook of the situation's unit with one word: what is built in first, unless it is masked. */
export async function callHooks(
  verb: Verb,
  situation: HookSituation,
  options: { readonly baselines?: Readonly<Record<string, HookContext['baseline']>> } = {},
): Promise<readonly HookResult[]> {
  const builtIn = (await isAbiHookOn()) ? [await runAbi(verb, situation, options.baselines)] : []
  return [...builtIn, ...(await runHooks(await findHooks(situation.unit), verb, situation, options))]
}

async function runAbi(
  verb: Verb,
  situation: HookSituation,
  baselines: Readonly<Record<string, HookContext['baseline']>> | undefined,
): Promise<HookResult> {
  return runAbiHook(verb, situation, { baseline: baselines?.[abiHookId] })
}
