import type { MapArea } from '../proc/maps.ts'

/** Gives leftover areas the names that they had. */
export function nameLeftovers<A extends Pick<MapArea, 'start' | 'end' | 'name'>>(
  areas: readonly A[],
  leftovers: ReadonlyMap<string, string>,
): readonly A[] {
  if (leftovers.size === 0) return areas
  return areas.map((area) => ({ ...area, name: leftovers.get(rangeName(area)) ?? area.name }))
}

/**
 * Areas that belonged to a kernel and have come over a swap with the program: CRIU leaves the vDSO of the kernel before where
 * the program has it, with jumps into the new one's, and the place of its data in front (criu/pie/parasite-vdso.c). Back on
 * the first kernel they are that kernel's own again.
 * @param peek reads the task's memory
 * @returns their names, by their ranges
 */
export function findLeftovers(
  areas: readonly MapArea[],
  peek: (address: bigint, length: number) => Buffer,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [index, area] of areas.entries()) {
    if (!isVdsoCopy(area, peek)) continue
    found.set(rangeName(area), '[vdso]')
    const before = areas[index - 1]
    if (before?.end === area.start && before.permissions === 'r--p' && before.name === '')
      found.set(rangeName(before), '[vvar]')
  }
  return found
}

/** A vDSO is an ELF image of a page or a few, which names itself (vdso(7)). */
function isVdsoCopy(
  { start, end, permissions, name }: MapArea,
  peek: (address: bigint, length: number) => Buffer,
): boolean {
  if (name !== '' || permissions !== 'r-xp') return false
  const address = BigInt(`0x${start}`)
  const length = Number(BigInt(`0x${end}`) - address)
  if (length > largestVdso) return false
  const image = peek(address, length)
  return image.subarray(0, 4).equals(elfMagic) && image.includes('linux-vdso.so.1')
}

const largestVdso = 64 * 1024
const elfMagic = Buffer.from('\x7fELF', 'latin1')

function rangeName({ start, end }: Pick<MapArea, 'start' | 'end'>): string {
  return `${start}-${end}`
}
