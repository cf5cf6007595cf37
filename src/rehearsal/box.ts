import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeDurably } from '../durable.ts'
import { run } from '../host/local.ts'
import { chooseAccelerator } from './accelerator.ts'
import { cacheDirectory, cachedFolder, keepLastUsed } from './cache.ts'
import type { Image } from './image.ts'
import { hashOfFolder, recipeFolder } from './recipe.ts'

/** As the Vagrantfile names it. */
const NAME = 'kernelswap-rehearsal'
const FILE = 'rehearsal.box'
/** Compressing a gigabyte takes ten seconds on an idle CPU. */
const COMPRESS_SECONDS = 600

/** What the image has and a box needs: whoever has the box can log in, and knows whom to. */
const FROM_IMAGE = ['image.json', 'ssh_key', 'ssh_host_key.pub'] as const

/**
 * Makes the image into a box for Vagrant's libvirt provider, unless an earlier call did, and points the catalogue at
 * it that the Vagrantfile reads.
 */
export async function ensureBox(image: Image, say: (line: string) => void): Promise<void> {
  const additions = join(recipeFolder(), '../vagrant/box')
  const parent = join(image.directory, 'box')
  const folder = await cachedFolder(parent, await hashOfFolder(additions), (making) => {
    say('making the box')
    return make(image, additions, making)
  })
  await keepLastUsed(parent, 1)
  await writeCatalogue(join(folder, FILE), await chooseAccelerator(image))
}

async function make(image: Image, additions: string, folder: string): Promise<void> {
  const content = join(folder, 'content')
  await mkdir(content)
  const convert = ['convert', '-c', '-o', 'compression_type=zstd', '-O', 'qcow2', image.disk]
  await run('qemu-img', [...convert, join(content, 'disk.qcow2')], { timeoutSeconds: COMPRESS_SECONDS })
  for (const name of FROM_IMAGE) await copyFile(join(image.directory, name), join(content, name))
  await copyFile(join(additions, 'Vagrantfile'), join(content, 'Vagrantfile'))
  await writeFile(join(content, 'known_hosts'), `rehearsal ${image.hostKey}`)
  // vagrant-libvirt asks qemu-img for the size of a disk that is named this way.
  await writeFile(
    join(content, 'metadata.json'),
    JSON.stringify({ provider: 'libvirt', disks: [{ path: 'disk.qcow2' }] }),
  )
  await run('tar', ['--create', '--file', join(folder, FILE), '--directory', content, '.'])
  await rm(content, { recursive: true })
}

/** A version makes Vagrant take a new box in place of the one that it has: it is the time when the box was made. */
async function writeCatalogue(box: string, accelerator: string): Promise<void> {
  const made = (await stat(box)).mtime.toISOString().replace(/\D/g, '')
  const provider = { name: 'libvirt', url: pathToFileURL(box).href }
  const catalogue = {
    name: NAME,
    versions: [{ version: `${made.slice(0, 8)}.${Number(made.slice(8, 14))}`, providers: [provider] }],
    // Vagrant passes over it; the Vagrantfile doesn't.
    accelerator,
  }
  await writeDurably(join(cacheDirectory(), 'vagrant.json'), `${JSON.stringify(catalogue, null, 2)}\n`, 0o600)
}

/** The folder of the Vagrantfile: a checkout's top, or where the Debian package puts it. */
export function vagrantFolder(): string {
  return dirname(dirname(recipeFolder()))
}
