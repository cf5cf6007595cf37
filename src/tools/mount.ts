import { readFile } from 'node:fs/promises'
import { attempt } from '../host/local.ts'
import { parseMountinfo } from '../proc/mountinfo.ts'

/** Makes file systems writable again that an emergency remount made read-only under writable mounts. */
export async function remountWritable(): Promise<void> {
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'))
  const stuck = mounts.filter(
    ({ options, superOptions }) => options.includes('rw') && superOptions.includes('ro'),
  )
  for (const { target } of stuck) await attempt('mount', ['-o', 'remount,rw', target])
}
