/** One definition of a type: several may have the same name, in one kernel as in several modules. */
export interface Definition {
  /** `vmlinux`, or the module that has it. */
  readonly source: string
  /** The same number for what is the same. */
  readonly signature: number
}

/** From 0, nothing in common, to 1. */
type Likeness<T> = (before: T, after: T) => number

/**
 * Of two kernels' definitions of one name, those that belong together and differ. A definition stays with its module;
 * one that is the same elsewhere has moved there, as when a second module begins to use it. What is left is compared
 * with what it is most like.
 */
export function differingPairs<T extends Definition>(
  before: readonly T[],
  after: readonly T[],
  likeness: Likeness<T>,
): [T, T][] {
  const pairs: [T, T][] = []
  let [old, now] = without(before, after, ({ source, signature }) => `${source} ${signature}`)
  const [oldAtHome, nowAtHome] = [bySource(old), bySource(now)]
  for (const [source, those] of oldAtHome) pairs.push(...match(those, nowAtHome.get(source) ?? [], likeness))
  const matched = new Set(pairs.flat())
  ;[old, now] = [old, now].map((list) => list.filter((each) => !matched.has(each))) as [T[], T[]]
  ;[old, now] = without(old, now, ({ signature }) => String(signature))
  const [oldKinds, nowKinds] = [old, now].map((list) => unique(list, ({ signature }) => String(signature)))
  pairs.push(...match(oldKinds!, nowKinds!, likeness, 0.5))
  return unique(pairs, ([one, other]) => `${one.signature} ${other.signature}`)
}

/** Both lists without what is in both. */
function without<T>(before: readonly T[], after: readonly T[], keyOf: (each: T) => string): [T[], T[]] {
  const [was, is] = [before, after].map((list) => new Set(list.map(keyOf)))
  return [before.filter((each) => !is!.has(keyOf(each))), after.filter((each) => !was!.has(keyOf(each)))]
}

function bySource<T extends Definition>(definitions: readonly T[]): Map<string, T[]> {
  const sources = new Map<string, T[]>()
  for (const definition of definitions)
    sources.set(definition.source, [...(sources.get(definition.source) ?? []), definition])
  return sources
}

/** The first of each key. */
function unique<T>(list: readonly T[], keyOf: (each: T) => string): T[] {
  return [...new Map(list.toReversed().map((each) => [keyOf(each), each])).values()].toReversed()
}

/** Pairs of those that are most alike, the likest first, and at least a little more than `least`. */
function match<T>(before: readonly T[], after: readonly T[], likeness: Likeness<T>, least = -1): [T, T][] {
  const scored = before.flatMap((one) => after.map((other) => ({ one, other, score: likeness(one, other) })))
  const pairs: [T, T][] = []
  const taken = new Set<T>()
  for (const { one, other, score } of scored.sort((a, b) => b.score - a.score)) {
    if (score <= least || taken.has(one) || taken.has(other)) continue
    taken.add(one).add(other)
    pairs.push([one, other])
  }
  return pairs
}
