import { readFile } from 'node:fs/promises'
import { Failure } from '../errors.ts'
import { attempt } from '../host/local.ts'
import { parseMountinfo } from '../proc/mountinfo.ts'

/**
 * Makes file systems writable again that an emergency remount made read-only under writable mounts.
 * @throws Failure 'failed' that names those which stay read-only.
 */
export async function remountWritable(mountinfo = '/proc/self/mountinfo'): Promise<void> {
  const mounts = parseMountinfo(await readFile(mountinfo, 'utf8'))
  const stuck = mounts.filter(
    ({ options, superOptions }) => options.includes('rw') && superOptions.includes('ro'),
  )
  const complaints: string[] = []
  for (const { target } of stuck) {
    const { code, stderr } = await attempt('mount', ['-o', 'remount,rw', target])
    if (code !== 0) complaints.push(stderr.trim() || `${target}: exit code ${code}`)
  }
  if (complaints.length > 0)
    throw new Failure('failed', `File systems stay read-only: ${complaints.join('; ')}`)
}
