import type { Stats } from 'node:fs'
import { lstat, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Contents, type Entry, entriesOf, treeContents } from '../../archive/check.ts'
import { Failure, ifMissing } from '../../errors.ts'
import { parseAttributes } from '../../tools/getfattr.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import { isOfPlatform } from '../../workload/tmpfs-files.ts'

/** Files that come from elsewhere and are unpacked by root. */
const contents: Contents = { ...treeContents, setuid: false }
/** Of tmpfs, and of devtmpfs, which is one (statfs(2)). */
const tmpfsMagic = 0x01021994
/** So many are told of; the first ones say what it is about. */
const mostTold = 5

/**
 * Reads an archive of a bundle and the extended attributes that go with it.
 * @param files path of both, without what their names end with
 * @throws Failure for an archive that isn't plain, or attributes of something that isn't in it.
 */
export async function bundledEntries(files: string): Promise<Entry[]> {
  const entries = await entriesOf(`${files}.tar`, contents)
  const paths = new Set(entries.map(({ path }) => path))
  const attributes = await readFile(`${files}.xattrs`, 'latin1').catch(ifMissing(''))
  const strange = [...parseAttributes(attributes).keys()].find((path) => !paths.has(path))
  if (strange !== undefined)
    throw new Failure(
      'failed',
      `${files}.xattrs names ${quote(strange)}, which is not in its archive; use another bundle.`,
    )
  return entries
}

export interface Surface {
  /** Where the archive would be unpacked. */
  readonly root: string
  /** Absolute paths of what the units have there now: it goes with them, or is theirs to change. */
  readonly owned: readonly string[]
  /** All that is on tmpfs will be gone before. */
  readonly atReboot: boolean
}

/** Files of an archive that would be put in the place of somebody else's, or where no unit keeps its own. */
export async function fileObstacles(entries: readonly Entry[], surface: Surface): Promise<Obstacle[]> {
  const found: string[] = []
  for (const entry of entries) {
    const why = await objection(entry, surface)
    if (why !== undefined) found.push(`${quote(`/${entry.path}`)} ${why}`)
  }
  const more = found.length > mostTold ? [`${found.length - mostTold} more are in the way like that`] : []
  return [...found.slice(0, mostTold), ...more].map(
    (reason): Obstacle => ({
      code: 'file-conflict',
      reason,
      remedy: surface.atReboot
        ? 'use a bundle of a host like this one'
        : 'move away what is there, or let the next boot restore: --reboot',
    }),
  )
}

async function objection(entry: Entry, { root, owned, atReboot }: Surface): Promise<string | undefined> {
  const path = `/${Buffer.from(entry.path, 'latin1').toString('utf8')}`
  if (isOfPlatform(path)) return "is in the platform's own directories, where no service keeps anything"
  const { parent, barrier } = await nearest(root, entry.path)
  if (barrier) return `lies behind a ${barrier.isSymbolicLink() ? 'link' : 'file'} of this host`
  const present = await look(root, entry.path)
  const isOwned = owned.some((own) => path === own || path.startsWith(`${own}/`))
  if (entry.kind === 'directory' && present?.isDirectory() && !isOwned)
    return isSame(entry, present) || atReboot ? undefined : 'has another owner or mode here'
  if ((await statfs(parent)).type !== tmpfsMagic) return 'would not be on a tmpfs here'
  return present && !isOwned && !atReboot ? "is somebody else's here" : undefined
}

function isSame({ mode, uid, gid }: Entry, present: Stats): boolean {
  return (present.mode & 0o7777) === mode && present.uid === uid && present.gid === gid
}

/** The last directory on the way to a path that is there, and what isn't one and stands in the way. */
async function nearest(root: string, path: string): Promise<{ parent: Buffer; barrier?: Stats }> {
  const parts = path.split('/')
  let parent = ''
  for (let depth = 1; depth < parts.length; depth += 1) {
    const next = parts.slice(0, depth).join('/')
    const found = await look(root, next)
    if (!found) break
    if (!found.isDirectory()) return { parent: within(root, parent), barrier: found }
    parent = next
  }
  return { parent: within(root, parent) }
}

function look(root: string, path: string): Promise<Stats | undefined> {
  return lstat(within(root, path)).catch(ifMissing(undefined))
}

/** Names are bytes (latin1). */
function within(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(join(root, '/')), Buffer.from(path, 'latin1')])
}

function quote(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8').slice(0, 200))
}
