import type { Btf } from './btf.ts'
import { type LayoutDifference, layoutDifference } from './difference.ts'
import {
  describeEnumeration,
  type EnumerationDifference,
  enumerationDifference,
  namedEnumerations,
} from './enumerations.ts'
import { type Signature, signaturesOf } from './functions.ts'
import { Identities } from './identities.ts'
import { type Layout, layoutOf, namedRecords } from './layout.ts'
import { type Definition, differingPairs } from './pairs.ts'

/** Types of a kernel, or of one of its modules. */
export interface TypeSource {
  /** `vmlinux`, or the module's name. */
  readonly name: string
  readonly btf: Btf
  /** Names of what it exports to modules; null where that isn't known. */
  readonly exports: readonly string[] | null
}

interface Named {
  /** As C names it, such as `struct page`. */
  readonly name: string
  /** `vmlinux`, or the module that has it. */
  readonly source: string
}

export type RecordChange = Named & LayoutDifference & { readonly size: number }
export type EnumerationChange = Named & EnumerationDifference
export interface FunctionChange extends Named {
  readonly before: string
  readonly after: string
}

/** How the types of two kernels differ. What only one of them has is no difference: no data is laid out in two ways. */
export interface TypeChanges {
  /** Structures and unions that both have. */
  readonly compared: number
  /** The largest first. */
  readonly records: readonly RecordChange[]
  readonly enumerations: readonly EnumerationChange[]
  /** What modules are given; null where it isn't known of both. */
  readonly exports: ExportChanges | null
}

export interface ExportChanges {
  /** Functions that are called in another way. */
  readonly changed: readonly FunctionChange[]
  /** Functions and data that only the later one exports. */
  readonly added: readonly string[]
  /** Those that it no longer exports. */
  readonly removed: readonly string[]
}

/** Compares all types of two kernels, their modules' as well. @throws BtfError */
export function compareTypes(before: readonly TypeSource[], after: readonly TypeSource[]): TypeChanges {
  const identities = new Identities()
  return {
    ...compareRecords(before, after, identities),
    enumerations: compareEnumerations(before, after, identities),
    exports: compareExports(before, after, identities),
  }
}

interface Found extends Definition {
  readonly btf: Btf
  readonly id: number
}

function compareRecords(
  before: readonly TypeSource[],
  after: readonly TypeSource[],
  identities: Identities,
): Pick<TypeChanges, 'compared' | 'records'> {
  const layout = ({ btf, id }: Found) => layoutOf(btf, id, identities)
  const sign = (btf: Btf, id: number) => identities.intern(describeLayout(layoutOf(btf, id, identities)))
  const [was, is] = [before, after].map((sources) => definitions(sources, namedRecords, sign))
  const records: RecordChange[] = []
  for (const [name, old] of was!) {
    const now = is!.get(name) ?? []
    for (const [one, other] of differingPairs(old, now, (a, b) => likeness(layout(a), layout(b)))) {
      const [left, right] = [layout(one), layout(other)]
      const difference = layoutDifference(left, right)
      if (difference) records.push({ name, source: other.source, size: right.bytes, ...difference })
    }
  }
  const compared = [...was!.keys()].filter((name) => is!.has(name)).length
  return { compared, records: records.sort((a, b) => b.size - a.size || a.name.localeCompare(b.name, 'en')) }
}

/** Everything that a layout says, as a text. */
function describeLayout({ bytes, places }: Layout): string {
  return `${bytes};${places.map(({ name, bitOffset, bits, type }) => `${name} ${bitOffset} ${bits} ${type}`).join()}`
}

/** How many of their members two layouts have in common by name, of 1. */
function likeness(one: Layout, other: Layout): number {
  const names = new Set(one.places.map(({ name }) => name))
  const common = other.places.filter(({ name }) => names.has(name)).length
  return common / Math.max(names.size, other.places.length, 1)
}

function compareEnumerations(
  before: readonly TypeSource[],
  after: readonly TypeSource[],
  identities: Identities,
): EnumerationChange[] {
  const sign = (btf: Btf, id: number) => identities.intern(describeEnumeration(btf, id))
  const [was, is] = [before, after].map((sources) => definitions(sources, namedEnumerations, sign))
  const difference = (one: Found, other: Found) =>
    enumerationDifference([one.btf, one.id], [other.btf, other.id])
  return [...was!].flatMap(([name, old]) =>
    differingPairs(old, is!.get(name) ?? [], (a, b) => {
      const { removed } = difference(a, b)
      return 1 - removed.length / Math.max(a.btf.enumerators(a.id).length, 1)
    }).map(([one, other]) => ({ name, source: other.source, ...difference(one, other) })),
  )
}

function definitions(
  sources: readonly TypeSource[],
  list: (btf: Btf) => readonly { readonly name: string; readonly id: number }[],
  sign: (btf: Btf, id: number) => number,
): Map<string, Found[]> {
  const found = new Map<string, Found[]>()
  for (const { name: source, btf } of sources) {
    for (const { name, id } of list(btf)) {
      const definition = { source, signature: sign(btf, id), btf, id }
      const others = found.get(name)
      if (others) others.push(definition)
      else found.set(name, [definition])
    }
  }
  return found
}

function compareExports(
  before: readonly TypeSource[],
  after: readonly TypeSource[],
  identities: Identities,
): ExportChanges | null {
  const [was, is] = [before, after].map(exportsOf)
  if (!was || !is) return null
  const [old, now] = [before, after].map((sources) => exportedSignatures(sources, identities))
  return {
    changed: [...old!].flatMap(([name, { signature }]) => {
      const other = now!.get(name)
      if (!other || other.signature.identity === signature.identity) return []
      return [{ name, source: other.source, before: signature.text, after: other.signature.text }]
    }),
    added: [...is].filter((name) => !was.has(name)).sort(),
    removed: [...was].filter((name) => !is.has(name)).sort(),
  }
}

function exportsOf(sources: readonly TypeSource[]): Set<string> | undefined {
  const names = new Set<string>()
  for (const { exports } of sources) {
    if (exports === null) return undefined
    for (const name of exports) names.add(name)
  }
  return names
}

function exportedSignatures(
  sources: readonly TypeSource[],
  identities: Identities,
): Map<string, { source: string; signature: Signature }> {
  return new Map(
    sources.flatMap(({ name: source, btf, exports }) =>
      [...signaturesOf(btf, new Set(exports), identities)].map(
        ([name, signature]) => [name, { source, signature }] as const,
      ),
    ),
  )
}
