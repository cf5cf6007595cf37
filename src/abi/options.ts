import { combine, differing, explained } from './compare.ts'
import type { Compare, Comparison, Setting } from './types.ts'

type Options = Readonly<Record<string, string>>

/** Why it doesn't matter, for an option of multicasts on a stream: accepted connections take them from their listener. */
export function onStream(name: string, { SO_TYPE: type }: Options): string | undefined {
  return /^IP(V6)?_MULTICAST_/.test(name) && type === STREAM
    ? 'multicast options mean nothing to a stream'
    : undefined
}

/** SOCK_STREAM (include/linux/net.h). */
const STREAM = '1'

/**
 * Compares options by name. An option that only one of two kernels knows is explained; so is one that `moves`
 * names, with its reason.
 */
export function byOption(moves: (name: string, before: Options) => string | undefined): Compare<Options> {
  return (before, after, setting) =>
    combine(
      [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .filter((name) => before[name] !== after[name])
        .map((name) => compareOption(name, before, after, setting, moves)),
    )
}

function compareOption(
  name: string,
  before: Options,
  after: Options,
  setting: Setting,
  moves: (name: string, before: Options) => string | undefined,
): Comparison {
  const [was, is] = [before[name], after[name]]
  if ((was === undefined || is === undefined) && !setting.sameKernel) {
    return explained(`only one of the two kernels answers for ${name}`)
  }
  const reason = moves(name, before)
  return reason === undefined ? differing(`${name} ${was ?? 'none'} → ${is ?? 'none'}`) : explained(reason)
}
