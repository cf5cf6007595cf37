import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { parseMountinfo } from '../proc/mountinfo.ts'
import { type Properties, showMounts } from '../tools/systemd.ts'
import type { Obstacle } from './obstacle.ts'

/** A file system that another host serves, as it is mounted now. */
export const networkMountSchema = z.object({
  unit: z.string(),
  where: z.string(),
  /** What is mounted there, such as `server:/srv`. */
  what: z.string(),
  type: z.string(),
  /** The boot mounts it again, or somebody who looks there. */
  comesBack: z.boolean(),
})
export type NetworkMount = Readonly<z.infer<typeof networkMountSchema>>

/**
 * Those that the kernel itself talks to a server for (systemd: src/basic/mountpoint-util.c, fstype_is_network). One of
 * fuse(4) has a process that does, which is accounted for.
 */
const networkTypes = ['9p', 'afs', 'ceph', 'cifs', 'gfs2', 'lustre', 'nfs', 'nfs4', 'ocfs2', 'smb3', 'smbfs']

/** What is mounted from other hosts now. */
export async function networkMounts(): Promise<NetworkMount[]> {
  const all = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'))
  // systemd tells of the uppermost alone where one lies over the other.
  const onDemand = all.flatMap(({ type, target }) => (type === 'autofs' ? [target] : []))
  return networkMountsIn(await showMounts(), onDemand)
}

/** The same of what systemd says of all mounts: one without a file was mounted by somebody else. @param onDemand where automount(8) mounts what is asked for */
export function networkMountsIn(mounts: readonly Properties[], onDemand: readonly string[]): NetworkMount[] {
  const active = mounts.filter(({ ActiveState }) => ActiveState === 'active')
  return active.flatMap(({ Id = '', Where = '', What = '', Type = '', FragmentPath = '' }) => {
    if (!networkTypes.includes(Type)) return []
    const isOnDemand = onDemand.some((place) => Where === place || Where.startsWith(`${place}/`))
    return [{ unit: Id, where: Where, what: What, type: Type, comesBack: FragmentPath !== '' || isOnDemand }]
  })
}

/** Nobody mounts it again, and whoever works with it would find an empty directory. */
export function obstacleOfMount({ unit, where, what, type }: NetworkMount): Obstacle {
  return {
    code: 'mounted-by-hand',
    reason: `${where} (${type}, ${what}) was mounted by hand, and no boot mounts it again`,
    remedy: `put it into /etc/fstab, or --end '${unit}'`,
  }
}
