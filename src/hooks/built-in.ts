import { performance } from 'node:perf_hooks'
import { messageOf } from '../errors.ts'
import { abiHook } from './abi-hook.ts'
import type { BuiltInHook } from './built-in-hook.ts'
import { type FindOptions, listHooks } from './find.ts'
import type { HostFacts } from './host-facts.ts'
import { httpHook } from './http-hook.ts'
import { portsHook } from './ports-hook.ts'
import type { HookContext, HookResult, HookSituation, Verb } from './types.ts'
import { unitHook } from './unit-hook.ts'

export const builtInHooks: readonly BuiltInHook[] = [abiHook, unitHook, portsHook, httpHook]

/** False where a link to /dev/null masks ABI verification, or an executable of its name replaces it. */
export async function isAbiHookOn(options: FindOptions = {}): Promise<boolean> {
  return (await listHooks(['all'], options)).every(({ id }) => id !== abiHook.id)
}

/** Calls one; what it throws makes it a broken hook, as any other that doesn't answer. */
export async function runBuiltIn(
  hook: BuiltInHook,
  verb: Verb,
  situation: HookSituation,
  given: { readonly facts: HostFacts; readonly baseline: HookContext['baseline'] },
): Promise<HookResult> {
  const started = performance.now()
  const judgement = await hook.answer(verb, situation, given).catch((error) => ({
    outcome: 'broken' as const,
    reason: messageOf(error),
    findings: [],
  }))
  return { hook: hook.id, verb, seconds: Math.round(performance.now() - started) / 1000, ...judgement }
}
