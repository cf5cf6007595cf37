import type { MapArea } from '../../proc/maps.ts'
import { isFile, isSpecial, joined, type Range, rangeOf, subtract } from '../areas.ts'
import { combine, differing, explained } from '../compare.ts'
import { facet } from '../facet.ts'
import { stablePath } from '../normalise.ts'
import type { Comparison, Setting } from '../types.ts'

/** One area, or several adjacent ones that look alike: the kernel joins and splits those as it likes. */
type Area = {
  readonly start: string
  readonly end: string
  readonly permissions: string
  readonly offset: string
  readonly name: string
}

type MemoryMap = { readonly areas: readonly Area[]; readonly special: readonly Area[] }

export const memoryMap = facet<MemoryMap>({
  name: 'memory-map',
  title: 'memory areas: addresses, permissions, file and offset',
  manual: 'proc_pid_maps(5)',
  scope: 'task',
  read: (task) => ({
    areas: joined(task.areas.filter((area) => !isSpecial(area)).map(plain)),
    special: task.areas.filter(isSpecial).map(plain),
  }),
  compare: compareMaps,
})

function plain({ start, end, permissions, offset, name }: MapArea): Area {
  return { start, end, permissions, offset: BigInt(`0x${offset}`).toString(16), name: stablePath(name) }
}

/**
 * CRIU leaves the old kernel's vDSO where the program has it, with jumps into the new one, whose areas may be
 * anywhere: the old special ranges are taken out of both maps.
 */
function compareMaps(before: MemoryMap, after: MemoryMap, setting: Setting): Comparison {
  const special = before.special.map(rangeOf)
  const [was, is] = [cut(before.areas, special), cut(after.areas, special)]
  const moved = JSON.stringify(before.special) !== JSON.stringify(after.special)
  return combine([
    ...[...was].filter(([key]) => !is.has(key)).map(([key, area]) => missing(key, area, 'gone', setting)),
    ...[...is].filter(([key]) => !was.has(key)).map(([key, area]) => missing(key, area, 'new', setting)),
    ...(moved ? [explained('each kernel maps its own vDSO')] : []),
  ])
}

function cut(areas: readonly Area[], special: readonly Range[]): ReadonlyMap<string, Area> {
  return new Map(
    areas
      .flatMap((area) => (special.length === 0 ? [area] : remainders(area, special)))
      .map((area) => [
        `${area.start}-${area.end} ${area.permissions} ${area.offset} ${area.name}`.trim(),
        area,
      ]),
  )
}

function remainders(area: Area, special: readonly Range[]): readonly Area[] {
  return subtract(rangeOf(area), special).map(({ start, end }) => ({
    ...area,
    start: start.toString(16),
    end: end.toString(16),
  }))
}

/** Tasks that run take and return memory, but they keep the files that they mapped. */
function missing(key: string, area: Area, what: 'gone' | 'new', { strict }: Setting): Comparison {
  return strict || (isFile(area) && what === 'gone')
    ? differing(`${key}: ${what}`)
    : explained('tasks that run map and unmap memory')
}
