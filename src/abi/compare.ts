import type { Compare, Comparison, Json } from './types.ts'

const EQUAL: Comparison = { kind: 'equal' }

/** Equal, or a difference with what it was and what it is. */
export function same<V extends Json>(show: (value: V) => string = shown): Compare<V> {
  return (before, after) =>
    isSame(before, after) ? EQUAL : { kind: 'differing', lines: [`${show(before)} → ${show(after)}`] }
}

/** May differ, always for the same reason. */
export function mayDiffer<V extends Json>(reason: string): Compare<V> {
  return (before, after) => (isSame(before, after) ? EQUAL : { kind: 'explained', reasons: [reason] })
}

/** Must match while the tasks are held stopped; once they run, it moves for the given reason. */
export function movesWhenRunning<V extends Json>(
  reason: string,
  whenStopped: Compare<V> = same(),
): Compare<V> {
  return (before, after, setting) =>
    setting.strict ? whenStopped(before, after, setting) : mayDiffer<V>(reason)(before, after, setting)
}

/**
 * Compares records key by key: each line starts with the key as `label` puts it; a key on one side only is
 * `gone` or `new`.
 */
export function byKey<V extends Json>(
  label: (key: string, value: V) => string = (key) => key,
  item: Compare<V> = same(),
): Compare<Readonly<Record<string, V>>> {
  return (before, after, setting) => {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return combine(
      [...keys].map((key) => {
        const [was, is] = [before[key], after[key]]
        if (was === undefined) return differing(`${label(key, is as V)}: new`)
        if (is === undefined) return differing(`${label(key, was as V)}: gone`)
        return prefixed(label(key, was as V), item(was as V, is as V, setting))
      }),
    )
  }
}

/**
 * Compares records key by key where both sides have the key, for facts about descriptors: one that is gone or
 * new is one difference, which `fd-numbers` reports, and not one more in each facet.
 */
export function byCommonKey<V extends Json>(
  label: (key: string, value: V) => string = (key) => key,
  item: Compare<V> = same(),
): Compare<Readonly<Record<string, V>>> {
  return (before, after, setting) =>
    combine(
      Object.keys(before)
        .filter((key) => key in after)
        .map((key) =>
          prefixed(label(key, before[key] as V), item(before[key] as V, after[key] as V, setting)),
        ),
    )
}

/** As byKey, but keys on one side only are explained while the tasks run (a program opens and closes things). */
export function byKeyLoosely<V extends Json>(
  reason: string,
  label: (key: string, value: V) => string = (key) => key,
  item: Compare<V> = same(),
): Compare<Readonly<Record<string, V>>> {
  return (before, after, setting) => {
    if (setting.strict) return byKey(label, item)(before, after, setting)
    const isOneSided =
      Object.keys(before).some((key) => !(key in after)) || Object.keys(after).some((key) => !(key in before))
    return combine([
      byCommonKey(label, item)(before, after, setting),
      isOneSided ? { kind: 'explained', reasons: [reason] } : EQUAL,
    ])
  }
}

/** A comparison for each field of a record with fixed fields; the fields that differ are named in the line. */
export function fields<V extends { readonly [key: string]: Json }>(
  how: {
    readonly [K in keyof V]: Compare<V[K]>
  },
): Compare<V> {
  return (before, after, setting) =>
    combine(
      Object.keys(how).map((key: keyof V & string) =>
        prefixedWord(key, how[key](before[key], after[key], setting)),
      ),
    )
}

/** The comparison of a whole from those of its parts: the worst counts, every line and reason stays. */
export function combine(parts: readonly Comparison[]): Comparison {
  const lines = parts.flatMap((part) => (part.kind === 'differing' ? part.lines : []))
  const reasons = [...new Set(parts.flatMap((part) => ('reasons' in part ? (part.reasons ?? []) : [])))]
  if (lines.length > 0) return { kind: 'differing', lines, ...(reasons.length > 0 ? { reasons } : {}) }
  return reasons.length > 0 ? { kind: 'explained', reasons } : EQUAL
}

export function differing(line: string): Comparison {
  return { kind: 'differing', lines: [line] }
}

export function explained(reason: string): Comparison {
  return { kind: 'explained', reasons: [reason] }
}

export function equal(): Comparison {
  return EQUAL
}

/** A comparison with a label in front of each of its lines. */
export function prefixed(label: string, comparison: Comparison): Comparison {
  return comparison.kind === 'differing'
    ? { ...comparison, lines: comparison.lines.map((line) => `${label}: ${line}`) }
    : comparison
}

/** The same JSON, whatever the order of keys. */
export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [x, y] = [a as Record<string, Json>, b as Record<string, Json>]
  const keys = Object.keys(x)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(y).length &&
    keys.every((key) => key in y && isSame(x[key], y[key]))
  )
}

/** A value as it stands in a line of the report. */
export function shown(value: Json): string {
  if (value === null) return 'none'
  if (typeof value === 'string') return value === '' ? '(empty)' : value
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(shown).join(' ')
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, item]) => `${key} ${shown(item as Json)}`)
      .join(', ')
  }
  return String(value)
}

function prefixedWord(word: string, comparison: Comparison): Comparison {
  return comparison.kind === 'differing'
    ? { ...comparison, lines: comparison.lines.map((line) => `${word} ${line}`) }
    : comparison
}

/** Must match on one kernel; another release may show it otherwise, for the given reason. */
export function unlessKernelDiffers<V extends Json>(reason: string): Compare<V> {
  return (before, after, setting) =>
    setting.sameKernel ? same<V>()(before, after, setting) : mayDiffer<V>(reason)(before, after, setting)
}

/**
 * A mask in hexadecimal digits, as /proc prints capabilities and signals: the line names the bits that went
 * and came.
 * @param first number of the lowest bit: 1 for signals
 * @param moving why the mask may change once the tasks run
 */
export function bits(first = 0, moving?: string): Compare<string> {
  return (before, after, { strict }) => {
    if (before === after) return EQUAL
    if (moving !== undefined && !strict) return explained(moving)
    const { gone, come } = changedBits(before, after, first)
    const lines = [
      gone.length > 0 && `${gone.join(', ')} no longer set`,
      come.length > 0 && `${come.join(', ')} now set`,
    ]
    return { kind: 'differing', lines: [lines.filter(Boolean).join('; ')] }
  }
}

/** The bits that are set in the first mask alone, and in the second alone. */
export function changedBits(
  before: string,
  after: string,
  first: number,
): { gone: number[]; come: number[] } {
  const [was, is] = [setBits(before, first), setBits(after, first)]
  return {
    gone: was.filter((bit) => !is.includes(bit)),
    come: is.filter((bit) => !was.includes(bit)),
  }
}

function setBits(mask: string, first: number): number[] {
  const value = BigInt(`0x${mask}`)
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (value >> BigInt(bit)) & 1n)
    .map((bit) => bit + first)
}
