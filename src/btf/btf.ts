/** Kinds of types (Documentation/bpf/btf.rst, "Type Encoding"). */
export const kinds = {
  void: 0,
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declarationTag: 17,
  typeTag: 18,
  enum64: 19,
} as const

const magic = 0xeb9f
const leastHeader = 24
/** Words of every type: its name, its kind with the number of what follows, and a size or another type. */
const headWords = 3

/** Words that follow a type's head: for each of its parts, and besides. */
const bodies: Readonly<Record<number, { readonly each?: number; readonly once?: number }>> = {
  [kinds.int]: { once: 1 },
  [kinds.pointer]: {},
  [kinds.array]: { once: 3 },
  [kinds.struct]: { each: 3 },
  [kinds.union]: { each: 3 },
  [kinds.enum]: { each: 2 },
  [kinds.forward]: {},
  [kinds.typedef]: {},
  [kinds.volatile]: {},
  [kinds.const]: {},
  [kinds.restrict]: {},
  [kinds.function]: {},
  [kinds.prototype]: { each: 2 },
  [kinds.variable]: { once: 1 },
  [kinds.section]: { each: 3 },
  [kinds.float]: {},
  [kinds.declarationTag]: { once: 1 },
  [kinds.typeTag]: {},
  [kinds.enum64]: { each: 3 },
}

/** Bytes that are no BTF, or BTF of a kind that is not known here. */
export class BtfError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BtfError'
  }
}

/** A part of a struct or union, where the type itself says it is. */
export interface Member {
  readonly name: string
  readonly type: number
  /** From the beginning of its struct or union. */
  readonly bitOffset: number
  /** 0 for what is no bit field. */
  readonly bitSize: number
}

export interface Enumerator {
  readonly name: string
  readonly value: bigint
}

/**
 * The types of a kernel or of a module, by their ids. Parsing finds where each begins and no more; names and members
 * are read when they are asked for: a kernel has 120,000 types, and most are never looked at.
 */
export class Btf {
  readonly base: Btf | undefined
  /** Id of the first type of its own; those before are the base's. */
  readonly first: number
  /** One more than the id of the last type. */
  readonly end: number
  readonly #words: Uint32Array
  /** Where each own type begins in `#words`. */
  readonly #starts: Uint32Array
  readonly #strings: Buffer
  readonly #stringsEnd: number

  /**
   * @param bytes a section `.BTF`
   * @param base the kernel's, for a module: its ids and its names go on where those end
   * @throws BtfError
   */
  constructor(bytes: Uint8Array, base?: Btf) {
    const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < leastHeader || header.getUint16(0, true) !== magic)
      throw new BtfError('It has no types: the first bytes are not those of BTF.')
    if (header.getUint8(2) !== 1) throw new BtfError(`Version ${header.getUint8(2)} of BTF is not known.`)
    const body = header.getUint32(4, true)
    const part = (at: number) => {
      const from = body + header.getUint32(at, true)
      const to = from + header.getUint32(at + 4, true)
      if (to > bytes.length) throw new BtfError('BTF is cut short.')
      return new Uint8Array(bytes.subarray(from, to))
    }
    const types = part(8)
    this.base = base
    this.#strings = Buffer.from(part(16).buffer)
    // A copy begins at a word's boundary, which a section of a file need not.
    this.#words = new Uint32Array(types.buffer, 0, types.length >> 2)
    this.first = base?.end ?? 1
    this.#starts = startsOf(this.#words)
    this.end = this.first + this.#starts.length
    this.#stringsEnd = this.#stringsBase + this.#strings.length
  }

  get #stringsBase(): number {
    return this.base ? this.base.#stringsEnd : 0
  }

  kind(id: number): number {
    return id === 0 ? kinds.void : (this.#word(id, 1) >>> 24) & 0x1f
  }

  /** Empty for what has no name. */
  name(id: number): string {
    return id === 0 ? 'void' : this.#text(this.#word(id, 0))
  }

  /** Bytes of an integer, float, enumeration, struct or union. */
  size(id: number): number {
    return this.#word(id, 2)
  }

  /** What a pointer, typedef, qualifier, tag, function or variable is of; of a prototype what it returns. */
  target(id: number): number {
    return this.#word(id, 2)
  }

  /** True for a forward declaration of a union. */
  isUnionForward(id: number): boolean {
    return this.#word(id, 1) >>> 31 === 1
  }

  integer(id: number): { readonly bits: number; readonly isSigned: boolean; readonly isBool: boolean } {
    const word = this.#word(id, headWords)
    return { bits: word & 0xff, isSigned: (word & 0x01_00_00_00) !== 0, isBool: (word & 0x04_00_00_00) !== 0 }
  }

  array(id: number): { readonly element: number; readonly length: number } {
    return { element: this.#word(id, headWords), length: this.#word(id, headWords + 2) }
  }

  members(id: number): Member[] {
    const hasBitSizes = this.#word(id, 1) >>> 31 === 1
    return this.#parts(id, (at) => {
      const [type, place] = [this.#word(id, at + 1), this.#word(id, at + 2)]
      return {
        name: this.#text(this.#word(id, at)),
        type,
        bitOffset: hasBitSizes ? place & 0xffffff : place,
        bitSize: hasBitSizes ? place >>> 24 : 0,
      }
    })
  }

  enumerators(id: number): Enumerator[] {
    const isSigned = this.#word(id, 1) >>> 31 === 1
    const isWide = this.kind(id) === kinds.enum64
    return this.#parts(id, (at) => {
      const [low, high] = [BigInt(this.#word(id, at + 1)), isWide ? BigInt(this.#word(id, at + 2)) : 0n]
      const value = (high << 32n) | low
      const signed = BigInt.asIntN(isWide ? 64 : 32, value)
      return { name: this.#text(this.#word(id, at)), value: isSigned ? signed : value }
    })
  }

  /** Types of a prototype's parameters; a last one of 0 stands for `...`. */
  parameters(id: number): number[] {
    return this.#parts(id, (at) => this.#word(id, at + 1))
  }

  #parts<T>(id: number, read: (at: number) => T): T[] {
    const each = bodies[this.kind(id)]?.each ?? 0
    const count = each === 0 ? 0 : this.#word(id, 1) & 0xffff
    return Array.from({ length: count }, (_, index) => read(headWords + index * each))
  }

  #word(id: number, at: number): number {
    if (id < this.first && this.base) return this.base.#word(id, at)
    const start = this.#starts[id - this.first]
    if (start === undefined) throw new BtfError(`BTF names a type ${id} that it doesn't have.`)
    return this.#words[start + at]!
  }

  #text(offset: number): string {
    if (offset < this.#stringsBase) return this.base!.#text(offset)
    const from = offset - this.#stringsBase
    const to = this.#strings.indexOf(0, from)
    if (to < 0) throw new BtfError('BTF has a name that has no end.')
    // Names in a kernel are ASCII, and this is quicker.
    return this.#strings.toString('latin1', from, to)
  }
}

/** Where each type begins. */
function startsOf(words: Uint32Array): Uint32Array {
  const starts = new Uint32Array(words.length / headWords)
  let count = 0
  let at = 0
  while (at < words.length) {
    const info = words[at + 1] ?? 0
    const body = bodies[(info >>> 24) & 0x1f]
    if (body === undefined)
      throw new BtfError(`BTF has a type of kind ${(info >>> 24) & 0x1f}, which is not known.`)
    starts[count] = at
    count += 1
    at += headWords + (body.once ?? 0) + (body.each ?? 0) * (info & 0xffff)
  }
  if (at !== words.length) throw new BtfError('BTF is cut short.')
  return starts.subarray(0, count)
}
