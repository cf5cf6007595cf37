import { type AbiResult, diffSnapshots } from '../abi/diff.ts'
import { type Snapshot, takeSnapshot } from '../abi/snapshot.ts'
import type { BuiltInHook } from './built-in-hook.ts'
import type { Finding } from './types.ts'

/** ABI verification: `capture` takes a snapshot, `verify` compares another with it. */
export const abiHook: BuiltInHook = {
  id: 'all/00-abi',
  async answer(verb, { pids, strict }, { baseline }) {
    if (verb !== 'capture' && verb !== 'verify') return { outcome: 'silent', findings: [] }
    const snapshot = await takeSnapshot(pids, { strict })
    // A snapshot is plain JSON, whatever its type says.
    if (verb === 'capture') return { outcome: 'ok', baseline: snapshot as never, findings: [] }
    const result = diffSnapshots(baseline as unknown as Snapshot, snapshot, { strict })
    const findings = findingsOf(result)
    const [first] = result.differences
    return first
      ? { outcome: 'differs', reason: findings[0]!.message, findings }
      : { outcome: 'ok', findings }
  },
}

/** Differences first, then why others don't count, then what nobody could see. */
function findingsOf({ differences, explained, unverified }: AbiResult): readonly Finding[] {
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
