/**
 * Parses the `VmFlags:` lines of /proc/PID/smaps, proc_pid_smaps(5): address range → those of the wanted
 * two-letter flags that are set. Adjacent ranges with the same flags are joined, ranges without any left out.
 * @param isLeftOut by the area's name
 */
export function parseVmFlags(
  text: string,
  wanted: readonly string[],
  isLeftOut: (name: string) => boolean = () => false,
): Readonly<Record<string, string>> {
  const ranges: { start: string; end: string; flags: string }[] = []
  let area = ['', '', '']
  for (const line of text.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) \S{4} \S+ \S+ \d+\s*(.*)$/.exec(line)
    if (head) area = [head[1] ?? '', head[2] ?? '', head[3] ?? '']
    if (!line.startsWith('VmFlags:') || isLeftOut(area[2]!)) continue
    const flags = wanted.filter((flag) => line.includes(` ${flag}`)).join(' ')
    const last = ranges.at(-1)
    const [start = '', end = ''] = area
    if (last && last.end === start && last.flags === flags) last.end = end
    else ranges.push({ start, end, flags })
  }
  return Object.fromEntries(
    ranges.filter(({ flags }) => flags !== '').map(({ start, end, flags }) => [`${start}-${end}`, flags]),
  )
}
