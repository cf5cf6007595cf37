import { performance } from 'node:perf_hooks'
import { type AbiResult, diffSnapshots } from '../abi/diff.ts'
import { type Snapshot, takeSnapshot } from '../abi/snapshot.ts'
import { messageOf } from '../errors.ts'
import { type FindOptions, listHooks } from './find.ts'
import type { RunHookOptions } from './run.ts'
import type { Finding, HookResult, HookSituation, Verb } from './types.ts'

/** The name by which a link to /dev/null masks ABI verification. */
export const abiHookId = 'all/00-abi'

/** False where a link to /dev/null masks ABI verification, or an executable of its name replaces it. */
export async function isAbiHookOn(options: FindOptions = {}): Promise<boolean> {
  return (await listHooks(['all'], options)).every(({ id }) => id !== abiHookId)
}

/**
 * ABI verification by the contract of hooks: `capture` takes a snapshot, `verify` compares another with it. The
 * other verbs have nothing to say.
 */
export async function runAbiHook(
  verb: Verb,
  situation: HookSituation,
  options: Pick<RunHookOptions, 'baseline'> = {},
): Promise<HookResult> {
  const started = performance.now()
  const judgement = await answer(verb, situation, options.baseline).catch((error) => ({
    outcome: 'broken' as const,
    reason: messageOf(error),
    findings: [],
  }))
  return { hook: abiHookId, verb, seconds: Math.round(performance.now() - started) / 1000, ...judgement }
}

async function answer(
  verb: Verb,
  { pids, strict }: HookSituation,
  baseline: RunHookOptions['baseline'],
): Promise<Pick<HookResult, 'outcome' | 'reason' | 'baseline' | 'findings'>> {
  if (verb !== 'capture' && verb !== 'verify') return { outcome: 'silent', findings: [] }
  const snapshot = await takeSnapshot(pids, { strict })
  // A snapshot is plain JSON, whatever its type says.
  if (verb === 'capture') return { outcome: 'ok', baseline: snapshot as never, findings: [] }
  const result = diffSnapshots(baseline as unknown as Snapshot, snapshot, { strict })
  const findings = findingsOf(result)
  const [first] = result.differences
  return first ? { outcome: 'differs', reason: findings[0]!.message, findings } : { outcome: 'ok', findings }
}

/** Differences first, then why others don't count, then what nobody could see. */
export function findingsOf({ differences, explained, unverified }: AbiResult): readonly Finding[] {
  return [
    ...differences.map(({ task, facet, line }) => ({
      level: 'difference' as const,
      message: `${task} ${facet}: ${line}`,
      task,
      facet,
    })),
    ...explained.map(({ facet, reason }) => ({
      level: 'note' as const,
      message: `${facet} differs: ${reason}`,
      facet,
    })),
    ...unverified.map(({ facet, reason }) => ({
      level: 'note' as const,
      message: `${facet} is unverified: ${reason}`,
      facet,
    })),
  ]
}
