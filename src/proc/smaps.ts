/** One area of /proc/PID/smaps, proc_pid_smaps(5). Addresses are hexadecimal text without 0x. */
export interface SmapsArea {
  readonly start: string
  readonly end: string
  /** A `p` at its end where it is private. */
  readonly permissions: string
  readonly name: string
  /** Two-letter flags, each with a space before it. */
  readonly flags: string
  /** Memory that it has, resident, swapped or of huge pages, in kB: 0 where it is only reserved. */
  readonly kilobytes: number
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s*(.*)$/
const SIZE = /^(?:Rss|Swap|Shared_Hugetlb|Private_Hugetlb):\s+(\d+)/

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Parses /proc/PID/smaps. */
export function parseSmaps(text: string): readonly SmapsArea[] {
  const areas: Writable<SmapsArea>[] = []
  for (const line of text.split('\n')) {
    // Fields begin with a capital letter. There are two dozen of them to an area, and perhaps 30,000 areas.
    const head = line < 'A' || line >= 'a' ? HEAD.exec(line) : undefined
    if (head) {
      const [, start = '', end = '', permissions = '', name = ''] = head
      areas.push({ start, end, permissions, name, flags: '', kilobytes: 0 })
      continue
    }
    const area = areas.at(-1)
    if (!area) continue
    if (line.startsWith('VmFlags:')) area.flags = line.slice('VmFlags:'.length).trimEnd()
    else area.kilobytes += Number(SIZE.exec(line)?.[1] ?? 0)
  }
  return areas
}

/**
 * Address range → those of the wanted flags that are set. Adjacent ranges with the same flags are joined, ranges without
 * any left out.
 * @param isLeftOut by the area's name
 */
export function flaggedRanges(
  areas: readonly SmapsArea[],
  wanted: readonly string[],
  isLeftOut: (name: string) => boolean = () => false,
): Readonly<Record<string, string>> {
  const ranges: { start: string; end: string; flags: string }[] = []
  for (const { start, end, name, flags } of areas) {
    if (isLeftOut(name)) continue
    const set = wanted.filter((flag) => flags.includes(` ${flag}`)).join(' ')
    const last = ranges.at(-1)
    if (last && last.end === start && last.flags === set) last.end = end
    else ranges.push({ start, end, flags: set })
  }
  return Object.fromEntries(
    ranges.filter(({ flags }) => flags !== '').map(({ start, end, flags }) => [`${start}-${end}`, flags]),
  )
}
