import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'
import { run } from '../host/local.ts'
import { rootOptions } from './privilege.ts'

/** A half-made folder that nobody has touched for so long is of somebody who was killed. */
const ABANDONED_AFTER_SECONDS = 3600
/** Whoever makes one touches it this often: a copy of much data, or an installation, takes hours. */
const TOUCHED_EVERY_SECONDS = 60
const HALF_MADE = '.making-'

/** What rehearsals keep between runs. Nothing here is precious: it is all built again when it is missing. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kernelswap')
}

/**
 * Returns the folder `parent/name`, made by `make` if it isn't there. It is made under another name and
 * renamed when it is complete, so a half-made one is never used, and of two makers at once one wins.
 */
export async function cachedFolder(
  parent: string,
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const wanted = join(parent, name)
  if (await exists(wanted)) {
    await touch(wanted)
    return wanted
  }
  await withHalfMade(parent, async (making) => {
    await make(making)
    await rename(making, wanted).catch((error: unknown) => {
      if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error
    })
  })
  return wanted
}

/** Calls `make` with a new folder in `parent`, which is gone afterwards unless it was renamed. */
export async function withHalfMade<T>(parent: string, make: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  await removeAbandoned(parent)
  // mkdtemp makes it with mode 0700: it will hold private keys and the memory of services.
  const making = await mkdtemp(join(parent, HALF_MADE))
  // It may be renamed between two of them.
  const touching = setInterval(() => void touch(making).catch(() => {}), TOUCHED_EVERY_SECONDS * 1000)
  try {
    return await make(making)
  } finally {
    clearInterval(touching)
    await remove(making)
  }
}

/** Removes all but the `keep` folders of `parent` that were used last. Files that are open stay readable. */
export async function keepLastUsed(parent: string, keep: number): Promise<void> {
  const folders = await aged(parent, (name) => !name.startsWith(HALF_MADE))
  folders.sort((a, b) => a.ageSeconds - b.ageSeconds)
  for (const { path } of folders.slice(keep)) await remove(path)
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const { path, ageSeconds } of await aged(parent, (name) => name.startsWith(HALF_MADE))) {
    if (ageSeconds > ABANDONED_AFTER_SECONDS) await remove(path)
  }
}

/** Removes a folder, and in it what a build that an ordinary user broke off left to that user's subordinates. */
async function remove(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM') || rootOptions().length === 0) throw error
    await run('unshare', [...rootOptions(), '--', 'rm', '-rf', '--', folder])
  }
}

async function aged(parent: string, wanted: (name: string) => boolean) {
  const names = (await readdir(parent)).filter(wanted)
  return Promise.all(
    names.map(async (name) => {
      const path = join(parent, name)
      return { path, ageSeconds: (Date.now() - (await stat(path)).mtimeMs) / 1000 }
    }),
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'ENOENT')) return false
      throw error
    },
  )
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now)
}
