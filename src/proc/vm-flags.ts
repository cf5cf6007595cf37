/**
 * Parses the `VmFlags:` lines of /proc/PID/smaps, proc_pid_smaps(5): address range → those of the wanted
 * two-letter flags that are set. Adjacent ranges with the same flags are joined, ranges without any left out.
 */
export function parseVmFlags(text: string, wanted: readonly string[]): Readonly<Record<string, string>> {
  const ranges: { start: string; end: string; flags: string }[] = []
  let area = ['', '']
  for (const line of text.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) \S{4} /.exec(line)
    if (head) area = [head[1] ?? '', head[2] ?? '']
    if (!line.startsWith('VmFlags:')) continue
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
