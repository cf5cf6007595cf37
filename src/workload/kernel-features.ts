import { readFile } from 'node:fs/promises'
import { payloadOf } from '../btf/boot-image.ts'
import type { KernelPaths } from '../os/distribution.ts'
import type { ImageFile } from '../tools/criu.ts'
import { unpack } from '../tools/unpack.ts'
import type { CheckpointImages } from './images.ts'
import type { Obstacle } from './obstacle.ts'
import type { TaskTree } from './task-tree.ts'

/** Something that a restore makes anew. */
interface Feature {
  readonly name: string
  /** What a kernel has it by, without CONFIG_. No option tells of the others, but a kernel has their name in it. */
  readonly option?: string
  isUsedBy(file: ImageFile): boolean
}

/** By types of CRIU's (images/fdinfo.proto), and of sockets by family and protocol (socket(2), ip(7)). */
const features: readonly Feature[] = [
  { name: 'inotify', option: 'INOTIFY_USER', isUsedBy: ({ type }) => type === 8 },
  { name: 'signalfd', option: 'SIGNALFD', isUsedBy: ({ type }) => type === 9 },
  { name: 'packet sockets', option: 'PACKET', isUsedBy: ({ type }) => type === 10 },
  { name: 'fanotify', option: 'FANOTIFY', isUsedBy: ({ type }) => type === 12 },
  { name: 'TUN or TAP devices', option: 'TUN', isUsedBy: ({ type }) => type === 15 },
  { name: 'timerfd', option: 'TIMERFD', isUsedBy: ({ type }) => type === 17 },
  { name: 'memfd', option: 'MEMFD_CREATE', isUsedBy: ({ type }) => type === 18 },
  { name: 'BPF maps', option: 'BPF_SYSCALL', isUsedBy: ({ type }) => type === 19 },
  { name: 'IPv6', option: 'IPV6', isUsedBy: ({ family }) => family === 10 },
  { name: 'UDP-Lite', isUsedBy: ({ protocol }) => protocol === 136 },
]

/** Where a kernel's boot image and its configuration are. */
export type BuiltKernel = Pick<KernelPaths, 'kernel' | 'config'>

/**
 * What a checkpoint needs that the kernel to restore it is built without: a trial tells of the running one alone.
 * @throws where that kernel's files can't be read
 */
export async function lackOf(
  { unit }: Pick<TaskTree, 'unit'>,
  images: Pick<CheckpointImages, 'files'>,
  paths: BuiltKernel,
): Promise<Obstacle | undefined> {
  const files = await images.files()
  const used = features.filter(({ isUsedBy }) => files.some(isUsedBy))
  const config = await readFile(paths.config, 'utf8')
  // It takes long to unpack, and hardly anybody needs it.
  const image = used.some(({ option }) => option === undefined) ? await imageAt(paths.kernel) : undefined
  const lacking = used.filter(({ name, option }) =>
    option === undefined
      ? image?.includes(name) === false
      : !new RegExp(`^CONFIG_${option}=[ym]$`, 'm').test(config),
  )
  if (lacking.length === 0) return undefined
  return {
    code: 'kernel-features',
    reason: `uses what the next kernel is built without: ${lacking.map(({ name }) => name).join(', ')}`,
    remedy: `choose another kernel with --kernel, or --restart ${unit}`,
  }
}

/** The kernel in a boot image, undefined where it is in none that is known. */
async function imageAt(path: string): Promise<Buffer | undefined> {
  const payload = payloadOf(await readFile(path))
  return payload && Buffer.from(await unpack(payload))
}
