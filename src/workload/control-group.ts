import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'
import { type FileUse, ProcessReader } from './process.ts'

/** Where in file systems the processes of control groups are at work now. */
export async function fileUses(controlGroups: readonly string[]): Promise<FileUse[][]> {
  const reader = new ProcessReader()
  const pids = await Promise.all(controlGroups.map(pidsOf))
  return pids.map((group) => group.flatMap((pid) => reader.readUse(pid) ?? []))
}

/** PIDs of every process in a control group and those below it. */
export async function pidsOf(controlGroup: string): Promise<number[]> {
  const directory = join('/sys/fs/cgroup', controlGroup)
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    const below = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => pidsOf(join(controlGroup, entry.name)))
    const own = (await readFile(join(directory, 'cgroup.procs'), 'utf8')).trim().split('\n').filter(Boolean)
    return [...own.map(Number), ...(await Promise.all(below)).flat()]
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return []
    throw error
  }
}
