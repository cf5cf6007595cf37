import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArchive } from '../../archive/check.ts'
import { packTree } from '../../archive/pack.ts'
import { Failure } from '../../errors.ts'
import { checkpointFile, type tmpfsArchives } from '../../layout.ts'
import type { Mount } from '../../proc/mountinfo.ts'
import { type Attributes, dumpAttributes } from '../../tools/getfattr.ts'
import { fileUses } from '../../workload/control-group.ts'
import type { FileUse } from '../../workload/process.ts'
import { type HostFiles, inspectHostFiles } from '../../workload/surroundings.ts'
import type { Workload } from '../../workload/workload.ts'
import { eachOf } from '../each.ts'
import type { SwapContext } from '../step.ts'

/** Files to archive, as they are seen below a root. */
interface Tree {
  readonly root: string
  /** Files, and directories with all they hold. */
  readonly members: readonly string[]
  /** Directories above them, alone. */
  readonly parents: readonly string[]
  readonly mounts: readonly Mount[]
}

/** Archives what a boot loses of each workload. Now that they stand still: what they have opened since counts as well. */
export async function archive({ carried, limit }: SwapContext): Promise<void> {
  const files = await inspectHostFiles()
  const uses = await fileUses(carried.map(({ workload }) => workload.controlGroup))
  const trees = carried.map(({ workload }, index) => treesOf(workload, uses[index]!, files))
  // Of all at once: to start a program for each would take longer than its work.
  const attributes = await attributesOf(
    '/',
    trees.map(({ host }) => host),
  )
  await eachOf(carried, limit!, async ({ checkpoint }, index) => {
    const { host, own } = trees[index]!
    await archiveTree(host, attributes, checkpoint, 'host')
    await archiveTree(own, await attributesOf(own.root, [own]), checkpoint, 'private')
  })
}

/** What it has on the host's own tmpfs, and on those of its own room. */
function treesOf(
  workload: Workload,
  uses: readonly FileUse[],
  hostFiles: HostFiles,
): { readonly host: Tree; readonly own: Tree } {
  const files = workload.tmpfsFiles(uses, hostFiles)
  const seen = uses.find(({ pid }) => pid === workload.mainPid)?.mounts ?? []
  return {
    host: { root: '/', members: files.host, parents: files.parents, mounts: hostFiles.mounts },
    own: { root: `/proc/${workload.mainPid}/root`, members: files.private, parents: [], mounts: seen },
  }
}

async function attributesOf(root: string, trees: readonly Tree[]): Promise<Attributes> {
  const relative = (paths: readonly string[]) => [...new Set(paths.map((path) => join('.', path)))]
  const parents = await dumpAttributes(root, relative(trees.flatMap((tree) => tree.parents)), {
    recursive: false,
  })
  return new Map([
    ...parents,
    ...(await dumpAttributes(root, relative(trees.flatMap((tree) => tree.members)))),
  ])
}

async function archiveTree(
  { root, members, parents, mounts }: Tree,
  attributes: Attributes,
  checkpoint: string,
  name: (typeof tmpfsArchives)[number],
): Promise<void> {
  if (members.length === 0) return
  const archive = checkpointFile(checkpoint, `${name}.tar`)
  // Files of other file systems outlast the boot, or are served by somebody who may stand still now (fuse(4)).
  const without = new Set(mounts.filter(({ type }) => type !== 'tmpfs').map((mount) => mount.target))
  const packed = await packTree(root, members, archive, { alone: parents, without })
  const read = await checkArchive(archive)
  if (packed !== read)
    throw new Failure('failed', `${archive} holds ${read} of ${packed} files; nothing was swapped.`)
  const isIn = (path: string) =>
    parents.includes(path) || members.some((member) => path === member || path.startsWith(`${member}/`))
  const own = [...attributes].filter(([path]) => isIn(join('/', path))).map(([, lines]) => lines)
  await writeFile(checkpointFile(checkpoint, `${name}.xattrs`), own.join(''), { mode: 0o600 })
}
