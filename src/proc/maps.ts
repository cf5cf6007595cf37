/** One line of /proc/PID/maps, proc_pid_maps(5). Addresses are hexadecimal text without 0x. */
export interface MapArea {
  readonly start: string
  readonly end: string
  /** `rwxp` or `s` for shared, with `-` for what isn't there. */
  readonly permissions: string
  readonly offset: string
  readonly device: string
  readonly inode: string
  /** A path, a name in brackets, or empty for anonymous memory. */
  readonly name: string
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+)\s*(.*)$/

/** Parses /proc/PID/maps; lines of another form are left out. */
export function parseMaps(text: string): readonly MapArea[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line)
    if (!match) return []
    const [, start = '', end = '', permissions = '', offset = '', device = '', inode = '', name = ''] = match
    return [{ start, end, permissions, offset, device, inode, name }]
  })
}
