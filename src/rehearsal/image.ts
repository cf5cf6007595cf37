import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { Failure, messageOf } from '../errors.ts'
import { run } from '../host/local.ts'
import { cacheDirectory, cachedFolder, keepLastUsed } from './cache.ts'
import { rootOptions } from './privilege.ts'
import { hashOfFolder, recipeFolder } from './recipe.ts'

/** The kernels of the machine by the role they play; the machine boots the first. */
export const KERNELS = ['older-stable', 'newest-stable', 'newest-backports'] as const
export type KernelName = (typeof KERNELS)[number]

/** A rehearsal machine's disk and what belongs to it, as `images/rehearsal/build` writes it. */
export interface Image {
  readonly directory: string
  /** The disk, never written to: machines run on overlays. */
  readonly disk: string
  /** Releases as `uname -r` prints them. */
  readonly kernels: Readonly<Record<KernelName, string>>
  /** Versions of the Debian packages that matter. */
  readonly packages: Readonly<Record<string, string>>
  /** Path of a copy of its /var/lib/dpkg/status. */
  readonly dpkgStatus: string
  /** Path of root's private key. */
  readonly sshKey: string
  /** The machine's public host key: the text of the `.pub` file. */
  readonly hostKey: string
}

const ImageJson = z.object({
  kernels: z.object({
    'older-stable': z.string().min(1),
    'newest-stable': z.string().min(1),
    'newest-backports': z.string().min(1),
  }),
  packages: z.record(z.string(), z.string()),
})

/** Building takes a minute on a good line; a mirror may be slow. */
const BUILD_SECONDS = 1800
/** Branches with different recipes take turns in one checkout. */
const IMAGES_KEPT = 3

/**
 * Returns the rehearsal machine's image, built from the recipe if no run before has built it.
 * @throws Failure if it can't be built.
 */
export async function ensureImage(say: (line: string) => void): Promise<Image> {
  const recipe = recipeFolder()
  const parent = join(cacheDirectory(), 'images')
  const directory = await cachedFolder(parent, await hashOfFolder(recipe), (folder) =>
    build(recipe, folder, say),
  )
  await keepLastUsed(parent, IMAGES_KEPT)
  return loadImage(directory)
}

/** Reads what `images/rehearsal/build` wrote into a folder. */
export async function loadImage(directory: string): Promise<Image> {
  const described = parseImageJson(await readFile(join(directory, 'image.json'), 'utf8'))
  return {
    ...described,
    directory,
    disk: join(directory, 'disk.qcow2'),
    dpkgStatus: join(directory, 'dpkg-status'),
    sshKey: join(directory, 'ssh_key'),
    hostKey: await readFile(join(directory, 'ssh_host_key.pub'), 'utf8'),
  }
}

/** Parses image.json. @throws ZodError if something is missing. */
export function parseImageJson(text: string): Pick<Image, 'kernels' | 'packages'> {
  return ImageJson.parse(JSON.parse(text))
}

/** The files that QEMU boots one of the image's kernels from. */
export function bootFiles(image: Image, kernel: KernelName): { kernel: string; initrd: string } {
  const release = image.kernels[kernel]
  return {
    kernel: join(image.directory, `vmlinuz-${release}`),
    initrd: join(image.directory, `initrd.img-${release}`),
  }
}

async function build(recipe: string, folder: string, say: (line: string) => void): Promise<void> {
  const log = createWriteStream(join(folder, 'build.log'))
  const note = (line: string) => void log.write(`${line}\n`)
  say('building the machine image from Debian packages (once; takes a minute or two)')
  try {
    // In a PID namespace of its own: no child of the build survives us.
    const contained = [...rootOptions(), '--pid', '--fork', '--kill-child', '--mount-proc']
    const build = [...contained, '--', join(recipe, 'build'), folder]
    await run('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', ...build], {
      timeoutSeconds: BUILD_SECONDS,
      onStdoutLine: (line) => {
        note(line)
        say(`  ${line}`)
      },
      onStderrLine: note,
    })
  } catch (error) {
    throw new Failure('failed', `the machine image could not be built: ${messageOf(error)}`, { cause: error })
  } finally {
    log.end()
  }
}
