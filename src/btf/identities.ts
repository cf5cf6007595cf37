import { type Btf, BtfError, kinds } from './btf.ts'

/**
 * Numbers for types: two types have the same one if they are the same to whoever reads memory or calls a function,
 * in whichever kernel or module they are.
 *
 * What has a name is known by its name: a pointer to `struct page` stays one, whatever becomes of `struct page`, and a
 * forward declaration is as good as what it declares. What has none is known by what is in it. Typedefs, qualifiers
 * and tags say nothing about memory; but a typedef is the name of a structure that has no other.
 */
export class Identities {
  readonly #known = new Map<string, number>()
  readonly #found = new Map<Btf, Int32Array>()

  /** The number of a text that describes something in full. */
  intern(description: string): number {
    const before = this.#known.get(description)
    if (before !== undefined) return before
    this.#known.set(description, this.#known.size + 1)
    return this.#known.size
  }

  /** @throws BtfError for types that are made of themselves. */
  of(btf: Btf, id: number): number {
    if (id < btf.first && btf.base) return this.of(btf.base, id)
    const found = this.#foundOf(btf)
    const place = id - btf.first + 1
    const before = found[place]!
    if (before > 0) return before
    if (before === underWay) throw new BtfError('BTF has a type that is made of itself.')
    found[place] = underWay
    const identity = this.#make(btf, id)
    found[place] = identity
    return identity
  }

  #foundOf(btf: Btf): Int32Array {
    const before = this.#found.get(btf)
    if (before) return before
    // The first one is for `void`, which has the id 0.
    const found = new Int32Array(btf.end - btf.first + 1)
    this.#found.set(btf, found)
    return found
  }

  #make(btf: Btf, id: number): number {
    const target = () => this.of(btf, btf.target(id))
    const name = btf.name(id)
    switch (btf.kind(id)) {
      case kinds.void:
        return this.intern('void')
      case kinds.int: {
        const { bits, isSigned, isBool } = btf.integer(id)
        return this.intern(`int ${btf.size(id)} ${bits} ${isSigned} ${isBool}`)
      }
      case kinds.float:
        return this.intern(`float ${btf.size(id)}`)
      case kinds.pointer:
        return this.intern(`*${target()}`)
      case kinds.array: {
        const { element, length } = btf.array(id)
        return this.intern(`[${length}]${this.of(btf, element)}`)
      }
      case kinds.forward:
        return this.intern(`${btf.isUnionForward(id) ? 'union' : 'struct'} ${name}`)
      case kinds.struct:
      case kinds.union:
        return this.intern(name === '' ? this.#contents(btf, id) : `${recordWord(btf, id)} ${name}`)
      case kinds.enum:
      case kinds.enum64:
        // Of one without a name only the bytes matter to who has it as a member.
        return this.intern(name === '' ? `enum of ${btf.size(id)}` : `enum ${name}`)
      case kinds.typedef:
        return isNameless(btf, btf.target(id)) ? this.intern(`typedef ${name}`) : target()
      case kinds.prototype:
        return this.intern(
          `(${btf.parameters(id).map((parameter) => this.of(btf, parameter))})${this.of(btf, btf.target(id))}`,
        )
      default:
        return target()
    }
  }

  #contents(btf: Btf, id: number): string {
    const members = btf
      .members(id)
      .map(({ name, type, bitOffset, bitSize }) => `${name} ${bitOffset} ${bitSize} ${this.of(btf, type)}`)
    return `${recordWord(btf, id)} of ${btf.size(id)} {${members.join(';')}}`
  }
}

const underWay = -1

/** `struct` or `union`. */
export function recordWord(btf: Btf, id: number): string {
  return btf.kind(id) === kinds.union ? 'union' : 'struct'
}

const transparent: ReadonlySet<number> = new Set([kinds.const, kinds.volatile, kinds.restrict, kinds.typeTag])

/** A type without its qualifiers. */
export function unqualified(btf: Btf, id: number): number {
  let at = id
  // There are four kinds of qualifier; a chain of many more is one that has no end.
  for (let steps = 0; transparent.has(btf.kind(at)); steps += 1) {
    if (steps > 64) throw new BtfError('BTF has a type that is made of itself.')
    at = btf.target(at)
  }
  return at
}

/** True for structures, unions and enumerations without a name of their own. */
export function isNameless(btf: Btf, id: number): boolean {
  const plain = unqualified(btf, id)
  return isRecord(btf, plain) || isEnumeration(btf, plain) ? btf.name(plain) === '' : false
}

/** True for a structure or a union. */
export function isRecord(btf: Btf, id: number): boolean {
  const kind = btf.kind(id)
  return kind === kinds.struct || kind === kinds.union
}

/** True for an enumeration, of values of any size. */
export function isEnumeration(btf: Btf, id: number): boolean {
  const kind = btf.kind(id)
  return kind === kinds.enum || kind === kinds.enum64
}
