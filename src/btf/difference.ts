import type { Layout, Place } from './layout.ts'

/**
 * What became of a structure:
 * - `changed`: a member has gone, moved, or is of another type; or the structure has another size, by members of its own;
 * - `carried`: the same, but only since structures in it have another size;
 * - `padding`: all is where it was, and what is new lies where nothing was;
 * - `names`: all is where it was, and only names have changed.
 */
export type Effect = 'changed' | 'carried' | 'padding' | 'names'

/** How two layouts of a structure differ. */
export interface LayoutDifference {
  readonly effect: Effect
  /** By how many bytes it has grown; negative where it has shrunk. */
  readonly bytes: number
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** At another place. */
  readonly moved: readonly string[]
  /** With the type before and the type after. */
  readonly retyped: readonly string[]
  /** With the name before and the name after. */
  readonly renamed: readonly string[]
}

/** Members that stand for a hole, by the kernel's habits: their bytes are as free as a hole's. */
const filler = /(^|[._])_*(pad(ding)?|reserved|rsvd|rsv|unused|filler|spare)_*\d*_*$/i

/** Compares two layouts, undefined where they are equal. */
export function layoutDifference(before: Layout, after: Layout): LayoutDifference | undefined {
  const [was, is] = [before, after].map(byName)
  const kept = [...was!.values()].filter(({ name }) => is!.has(name))
  const moved = kept.filter((place) => place.bitOffset !== is!.get(place.name)!.bitOffset)
  const retyped = kept.filter((place) => !isSameType(place, is!.get(place.name)!))
  const resized = kept.filter((place) => place.bits !== is!.get(place.name)!.bits)
  const gone = [...was!.values()].filter(({ name }) => !is!.has(name))
  const come = [...is!.values()].filter(({ name }) => !was!.has(name))
  const renamed = gone.flatMap((place) => {
    const heir = come.find((other) => other.bitOffset === place.bitOffset && isSameType(place, other))
    return heir ? [{ place, heir }] : []
  })
  const removed = gone.filter((place) => !renamed.some((pair) => pair.place === place))
  const added = come.filter((place) => !renamed.some((pair) => pair.heir === place))
  const bytes = after.bytes - before.bytes
  const isOwn = [added, removed, retyped].some((places) => places.some(({ bits }) => bits > 0))
  const effect = effectOf({
    isMoved:
      bytes !== 0 ||
      moved.length + retyped.length + resized.length > 0 ||
      removed.some(({ bits }) => bits > 0),
    isOwn,
    takesUsed: added.some((place) => [...was!.values()].some((other) => overlaps(place, other))),
    isMore: added.some(({ bits }) => bits > 0),
  })
  const changes = [added, removed, moved, retyped, resized, renamed]
  if (bytes === 0 && changes.every(({ length }) => length === 0)) return undefined
  return {
    effect,
    bytes,
    added: added.map(({ name }) => name),
    removed: removed.map(({ name }) => name),
    moved: moved.map(({ name }) => name),
    retyped: retyped.map((place) => `${place.name} (${typesText(place, is!.get(place.name)!)})`),
    renamed: renamed.map(({ place, heir }) => `${place.name} → ${heir.name}`),
  }
}

interface Findings {
  readonly isMoved: boolean
  readonly isOwn: boolean
  readonly takesUsed: boolean
  readonly isMore: boolean
}

function effectOf({ isMoved, isOwn, takesUsed, isMore }: Findings): Effect {
  if (isMoved || takesUsed) return isOwn ? 'changed' : 'carried'
  return isMore ? 'padding' : 'names'
}

function byName({ places }: Layout): Map<string, Place> {
  return new Map(places.filter(({ name }) => !filler.test(name)).map((place) => [place.name, place]))
}

/** A structure of the same name is the same type, however large it has become. */
function isSameType(one: Place, other: Place): boolean {
  if (one.type !== other.type || one.isBitField !== other.isBitField) return false
  return !one.isBitField || one.bits === other.bits
}

function overlaps(one: Place, other: Place): boolean {
  return one.bitOffset < other.bitOffset + other.bits && other.bitOffset < one.bitOffset + one.bits
}

/** The types before and after; a typedef may hide what has changed. */
function typesText(one: Place, other: Place): string {
  const text = (place: Place, name: string) => (place.isBitField ? `${name}:${place.bits}` : name)
  const [before, after] = [text(one, one.typeName), text(other, other.typeName)]
  if (before !== after) return `${before} → ${after}`
  return `${text(one, one.plainTypeName)} → ${text(other, other.plainTypeName)}`
}
