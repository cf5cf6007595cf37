import type { MapArea } from '../proc/maps.ts'

/** A range of addresses, its end excluded. */
export interface Range {
  readonly start: bigint
  readonly end: bigint
}

const SPECIAL = new Set(['[vdso]', '[vvar]', '[vvar_vclock]', '[vsyscall]'])

/** Areas that a kernel maps for itself: they differ between kernels, and are no memory of the program. */
export function isSpecial(area: Pick<MapArea, 'name'>): boolean {
  return SPECIAL.has(area.name)
}

/** What facets note for such an area, in the place of what they note for others. */
export const KERNELS = 'kernel'

/**
 * True where a kernel's own area was, or is one now where the program had nothing: CRIU leaves the old kernel's vDSO where
 * it was, with jumps into the new one's, which lies elsewhere.
 */
export function isKernels(before: string | undefined, after: string | undefined): boolean {
  return before === KERNELS || (before === undefined && after === KERNELS)
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

type Joinable = Pick<MapArea, 'start' | 'end' | 'permissions' | 'offset' | 'name'>

/** Adjacent areas that look alike as one: the kernel joins and splits those as it likes. */
export function joined<A extends Joinable>(areas: readonly A[]): readonly A[] {
  const result: A[] = []
  for (const area of areas) {
    const last = result.at(-1)
    if (last && continues(last, area)) result[result.length - 1] = { ...last, end: area.end }
    else result.push(area)
  }
  return result
}

function continues(last: Joinable, next: Joinable): boolean {
  if (last.end !== next.start || last.permissions !== next.permissions || last.name !== next.name)
    return false
  const { start, end } = rangeOf(last)
  return !isFile(last) || BigInt(`0x${last.offset}`) + (end - start) === BigInt(`0x${next.offset}`)
}

/** True for an area that a file backs, whose offset counts. */
export function isFile({ name }: Pick<MapArea, 'name'>): boolean {
  return name.startsWith('/')
}

/** The name of an area in /proc/PID/map_files: its range without leading zeros (proc_pid_map_files(5)). */
export function mapFileOf({ start, end }: Pick<MapArea, 'start' | 'end'>): string {
  return [start, end].map((address) => BigInt(`0x${address}`).toString(16)).join('-')
}
