import { mkdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cachedFolder, keepLastUsed, withHalfMade } from '../cache.ts'
import type { Image } from '../image.ts'
import type { ReadHost } from './host.ts'
import { filesName, hashOfLikeness, type Likeness, loadLikeness, saveLikeness } from './likeness.ts'
import { requireKernel, selectPackages } from './packages.ts'
import { readLikeness, type Wanted } from './read.ts'

/** What is kept here of a host to make machines like it: a folder that only we may enter. */
export interface Copy {
  readonly folder: string
  readonly likeness: Likeness
}

const copiesKept = 2

/**
 * Reads a host and fetches the packages that a machine like it takes. What is read anew and hasn't changed is the same
 * copy.
 * @throws as `requireKernel`, `readLikeness` and `selectPackages` do.
 */
export async function studyHost(
  host: ReadHost,
  wanted: Wanted,
  image: Image,
  say: (line: string) => void,
): Promise<Copy> {
  if (wanted.kernel !== undefined) await requireKernel(image, wanted.kernel)
  const parent = join(image.directory, 'likes')
  return withHalfMade(parent, async (reading) => {
    const read = await readLikeness(host, wanted, reading, say)
    const selection = await selectPackages(image, read, reading)
    const likeness = { ...read, notes: [...read.notes, ...selection.notes] }
    const archive = join(reading, filesName)
    const name = await hashOfLikeness(likeness, selection.files, archive)
    const folder = await cachedFolder(parent, name, async (making) => {
      say('fetching its packages')
      const packages = join(making, 'packages')
      await mkdir(packages)
      await selection.fetch(packages)
      await rename(archive, join(making, filesName))
    })
    // The folder may be of an earlier call, and what stands in the way there is of now.
    await saveLikeness(likeness, folder)
    await keepLastUsed(parent, copiesKept)
    return { folder, likeness }
  })
}

/** The copy that an earlier call has made. @param name last part of its folder's path */
export async function openCopy(image: Image, name: string): Promise<Copy> {
  const folder = join(image.directory, 'likes', basename(name))
  return { folder, likeness: await loadLikeness(folder) }
}
