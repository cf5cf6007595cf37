import type { MapArea } from '../proc/maps.ts'

/** A range of addresses, its end excluded. */
export interface Range {
  readonly start: bigint
  readonly end: bigint
}

const SPECIAL = new Set(['[vdso]', '[vvar]', '[vvar_vclock]', '[vsyscall]'])

/** Areas that a kernel maps for itself: they differ between kernels, and are no memory of the program. */
export function isSpecial(area: MapArea): boolean {
  return SPECIAL.has(area.name)
}

export function rangeOf(area: { readonly start: string; readonly end: string }): Range {
  return { start: BigInt(`0x${area.start}`), end: BigInt(`0x${area.end}`) }
}

/** What remains of a range when others are taken out of it. */
export function subtract(range: Range, others: readonly Range[]): readonly Range[] {
  return others.reduce<readonly Range[]>(
    (rest, other) =>
      rest.flatMap((part) =>
        [
          { start: part.start, end: min(part.end, other.start) },
          { start: max(part.start, other.end), end: part.end },
        ].filter(({ start, end }) => start < end && (start >= part.start || end <= part.end)),
      ),
    [range],
  )
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
