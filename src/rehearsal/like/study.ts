import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cachedFolder, keepLastUsed } from '../cache.ts'
import type { Image } from '../image.ts'
import type { ReadHost } from './host.ts'
import { filesName, hashOfLikeness, type Likeness, loadLikeness, saveLikeness } from './likeness.ts'
import { fetchPackages } from './packages.ts'
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
 * @throws as `readLikeness` and `fetchPackages` do.
 */
export async function studyHost(
  host: ReadHost,
  wanted: Wanted,
  image: Image,
  say: (line: string) => void,
): Promise<Copy> {
  const parent = join(image.directory, 'likes')
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const reading = await mkdtemp(join(parent, '.making-'))
  try {
    const read = await readLikeness(host, wanted, reading, say)
    const archive = join(reading, filesName)
    const folder = await cachedFolder(parent, await hashOfLikeness(read, archive), async (making) => {
      say('fetching its packages')
      const { notes } = await fetchPackages(image, read, join(making, 'packages'))
      await rename(archive, join(making, filesName))
      await saveLikeness({ ...read, notes: [...read.notes, ...notes] }, making)
    })
    await keepLastUsed(parent, copiesKept)
    // The folder may be of an earlier call, and what stands in the way there is of now.
    const likeness = { ...(await loadLikeness(folder)), obstacles: read.obstacles }
    await saveLikeness(likeness, folder)
    return { folder, likeness }
  } finally {
    await rm(reading, { recursive: true, force: true })
  }
}

/** The copy that an earlier call has made. @param name last part of its folder's path */
export async function openCopy(image: Image, name: string): Promise<Copy> {
  const folder = join(image.directory, 'likes', basename(name))
  return { folder, likeness: await loadLikeness(folder) }
}
