/** Columns that tell an object's identity and rights; the others are counters, times and PIDs. */
const LASTING = ['key', 'perms', 'size', 'nsems', 'cbytes', 'qnum', 'uid', 'gid', 'cuid', 'cgid']

/** One row of /proc/sysvipc/{shm,sem,msg}: sysvipc(7). */
export interface SysvObject {
  readonly id: string
  /** By the names of their columns; `perms` is octal. */
  readonly facts: Readonly<Record<string, string>>
}

/** Parses a table of /proc/sysvipc; its first line names the columns. */
export function parseSysvTable(text: string): readonly SysvObject[] {
  const [head = [], ...rows] = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/))
  return rows.map((row) => ({
    id: row[head.findIndex((name) => name.endsWith('id') && name.length === 5)] ?? '',
    facts: Object.fromEntries(
      LASTING.filter((name) => head.includes(name)).map((name) => [name, row[head.indexOf(name)] ?? '']),
    ),
  }))
}
