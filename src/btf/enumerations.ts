import type { Btf } from './btf.ts'
import { kinds } from './btf.ts'
import { isEnumeration, unqualified } from './identities.ts'

/** An enumeration by its name: `enum x`, a typedef's name, or `enum {FIRST, …}` where it has neither. */
export interface NamedEnumeration {
  readonly name: string
  readonly id: number
}

/** How the values of an enumeration differ. */
export interface EnumerationDifference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** With the value before and the value after. */
  readonly renumbered: readonly string[]
  /** By how many bytes a variable of it has grown. */
  readonly bytes: number
}

/** Those that are defined here, not those of the base. */
export function namedEnumerations(btf: Btf): NamedEnumeration[] {
  const named = new Map<number, string>()
  const nameless: number[] = []
  for (let id = btf.first; id < btf.end; id += 1) {
    if (isEnumeration(btf, id)) {
      if (btf.name(id) === '') nameless.push(id)
      else named.set(id, `enum ${btf.name(id)}`)
    } else if (btf.kind(id) === kinds.typedef) {
      const target = unqualified(btf, btf.target(id))
      if (isEnumeration(btf, target) && btf.name(target) === '') named.set(target, btf.name(id))
    }
  }
  for (const id of nameless) {
    const first = btf.enumerators(id)[0]
    if (first && !named.has(id)) named.set(id, `enum {${first.name}, …}`)
  }
  return [...named].map(([id, name]) => ({ name, id }))
}

/** Everything that an enumeration says, as a text. */
export function describeEnumeration(btf: Btf, id: number): string {
  const values = btf.enumerators(id).map(({ name, value }) => `${name}=${value}`)
  return `enum of ${btf.size(id)} {${values.join()}}`
}

/** Compares two enumerations of one name. */
export function enumerationDifference(
  [before, old]: readonly [Btf, number],
  [after, now]: readonly [Btf, number],
): EnumerationDifference {
  const [was, is] = [before.enumerators(old), after.enumerators(now)].map(
    (values) => new Map(values.map(({ name, value }) => [name, value])),
  )
  return {
    added: [...is!.keys()].filter((name) => !was!.has(name)),
    removed: [...was!.keys()].filter((name) => !is!.has(name)),
    renumbered: [...was!].flatMap(([name, value]) => {
      const now = is!.get(name)
      return now === undefined || now === value ? [] : [`${name} (${value} → ${now})`]
    }),
    bytes: after.size(now) - before.size(old),
  }
}
