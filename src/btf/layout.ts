import { type Btf, BtfError, kinds } from './btf.ts'
import { type Identities, isNameless, isRecord, recordWord, unqualified } from './identities.ts'

/** A member of a structure, with those of nameless structures in it as its own. */
export interface Place {
  /** `a.b` for the member `b` of a nameless structure that is the member `a`. */
  readonly name: string
  readonly bitOffset: number
  /** How much of the structure it takes. */
  readonly bits: number
  readonly isBitField: boolean
  /** Its type's number among identities. */
  readonly type: number
  /** Its type as C names it, and with its typedefs seen through. */
  readonly typeName: string
  readonly plainTypeName: string
}

/** Where a structure has what. */
export interface Layout {
  readonly bytes: number
  readonly places: readonly Place[]
}

/** A structure or union that has a name, which may be a typedef's. */
export interface NamedRecord {
  /** `struct page`, `union x`, or a typedef's name alone. */
  readonly name: string
  readonly id: number
}

/** Those that are defined here, not those of the base. */
export function namedRecords(btf: Btf): NamedRecord[] {
  const records: NamedRecord[] = []
  for (let id = btf.first; id < btf.end; id += 1) {
    const kind = btf.kind(id)
    if (kind === kinds.struct || kind === kinds.union) {
      const name = btf.name(id)
      if (name !== '') records.push({ name: `${recordWord(btf, id)} ${name}`, id })
    } else if (kind === kinds.typedef) {
      const target = unqualified(btf, btf.target(id))
      if (isRecord(btf, target) && btf.name(target) === '') records.push({ name: btf.name(id), id: target })
    }
  }
  return records
}

/** The layout of a structure or union. @throws BtfError for types that are made of themselves. */
export function layoutOf(btf: Btf, id: number, identities: Identities): Layout {
  const places: Place[] = []
  collect(btf, id, identities, '', 0, places)
  return { bytes: btf.size(id), places }
}

function collect(
  btf: Btf,
  id: number,
  identities: Identities,
  prefix: string,
  before: number,
  places: Place[],
): void {
  for (const member of btf.members(id)) {
    // First, since it refuses what has no end.
    const identity = identities.of(btf, member.type)
    const type = unqualified(btf, member.type)
    const bitOffset = before + member.bitOffset
    const name = prefix + member.name
    if (isRecord(btf, type) && btf.name(type) === '') {
      collect(btf, type, identities, member.name === '' ? prefix : `${name}.`, bitOffset, places)
      continue
    }
    places.push({
      name,
      bitOffset,
      bits: member.bitSize || bitsOf(btf, type),
      isBitField: member.bitSize > 0,
      type: identity,
      get typeName() {
        return nameOfType(btf, member.type)
      },
      get plainTypeName() {
        return nameOfType(btf, member.type, true)
      },
    })
  }
}

const pointerBits = 64

/** How many bits a type takes. */
export function bitsOf(btf: Btf, id: number): number {
  switch (btf.kind(id)) {
    case kinds.pointer:
      return pointerBits
    case kinds.array: {
      const { element, length } = btf.array(id)
      return length * bitsOf(btf, element)
    }
    // Before BTF had bit fields of its own, they were integers of few bits.
    case kinds.int:
      return Math.min(btf.integer(id).bits, btf.size(id) * 8)
    case kinds.struct:
    case kinds.union:
    case kinds.enum:
    case kinds.enum64:
    case kinds.float:
      return btf.size(id) * 8
    case kinds.typedef:
    case kinds.const:
    case kinds.volatile:
    case kinds.restrict:
    case kinds.typeTag:
      return bitsOf(btf, btf.target(id))
    default:
      throw new BtfError('BTF has a member of a type that takes no memory.')
  }
}

const qualifierWords: Readonly<Record<number, string>> = {
  [kinds.const]: 'const ',
  [kinds.volatile]: 'volatile ',
  [kinds.restrict]: '',
  [kinds.typeTag]: '',
}

/**
 * A type as C names it, near enough to be recognised.
 * @param isPlain names what typedefs stand for
 */
export function nameOfType(btf: Btf, id: number, isPlain = false): string {
  const kind = btf.kind(id)
  const nameOf = (other: number) => nameOfType(btf, other, isPlain)
  const qualifier = qualifierWords[kind]
  if (qualifier !== undefined) return qualifier + nameOf(btf.target(id))
  const name = btf.name(id)
  switch (kind) {
    case kinds.typedef:
      return isPlain && !isNameless(btf, btf.target(id)) ? nameOf(btf.target(id)) : name
    case kinds.pointer: {
      const target = nameOf(btf.target(id))
      return target.includes('(') ? target.replace('(', '(*') : `${target}${target.endsWith('*') ? '' : ' '}*`
    }
    case kinds.array: {
      const { element, length } = btf.array(id)
      return `${nameOf(element)}[${length}]`
    }
    case kinds.struct:
    case kinds.union:
      return `${recordWord(btf, id)} ${name || '{…}'}`
    case kinds.forward:
      return `${btf.isUnionForward(id) ? 'union' : 'struct'} ${name}`
    case kinds.enum:
    case kinds.enum64:
      return `enum ${name || '{…}'}`
    case kinds.prototype: {
      const parameters = btf
        .parameters(id)
        .map((parameter, index, all) =>
          parameter === 0 && index === all.length - 1 ? '...' : nameOf(parameter),
        )
      return `${nameOf(btf.target(id))} ()(${parameters.join(', ') || 'void'})`
    }
    default:
      return name
  }
}
