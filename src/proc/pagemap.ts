const WORD = 8
/**
 * The top byte of an entry, proc_pid_pagemap(5): bit 63 present, 62 swapped, 61 page of a file or shared; and bit 58, a
 * guard page, since Linux 6.15 (Documentation/admin-guide/mm/pagemap.rst).
 */
const [PRESENT, SWAPPED, FILE, GUARD] = [0x80, 0x40, 0x20, 0x04]

/** Runs of pages that are private to the process and not empty, in entries of /proc/PID/pagemap. */
export function populatedPages(
  entries: Buffer,
): readonly { readonly from: number; readonly count: number }[] {
  const runs: { from: number; count: number }[] = []
  for (let page = 0; page * WORD + WORD <= entries.length; page++) {
    const top = entries[page * WORD + WORD - 1] ?? 0
    if ((top & (PRESENT | SWAPPED)) === 0 || (top & (FILE | GUARD)) !== 0) continue
    const last = runs.at(-1)
    if (last && last.from + last.count === page) last.count++
    else runs.push({ from: page, count: 1 })
  }
  return runs
}
