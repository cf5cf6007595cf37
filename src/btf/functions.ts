import { type Btf, kinds } from './btf.ts'
import type { Identities } from './identities.ts'
import { nameOfType } from './layout.ts'

/** What a function is called with, and what it returns. */
export interface Signature {
  /** The same number for what is called in the same way. */
  readonly identity: number
  /** As in C. */
  readonly text: string
}

/**
 * Signatures of functions, by name. Of some there is none: they are no functions but data, or the compiler has left
 * a parameter out, and BTF then says nothing of them.
 */
export function signaturesOf(
  btf: Btf,
  names: ReadonlySet<string>,
  identities: Identities,
): Map<string, Signature> {
  const found = new Map<string, Signature>()
  for (let id = btf.first; id < btf.end; id += 1) {
    if (btf.kind(id) !== kinds.function) continue
    const name = btf.name(id)
    if (!names.has(name)) continue
    const prototype = btf.target(id)
    found.set(name, {
      identity: identities.of(btf, prototype),
      get text() {
        return nameOfType(btf, prototype).replace('()', name)
      },
    })
  }
  return found
}
