import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isErrno, messageOf } from '../errors.ts'
import { isMask, isThere } from '../files.ts'
import { whyUnsafe } from './permission.ts'

/** An executable that may be called, or why it may not. */
export interface Hook {
  /** Folder and file name, the same wherever it comes from: `redis-server.service/50-redis`. */
  readonly id: string
  readonly path: string
  /** Why it isn't run; a hook that is refused also hides those of the same name in weaker directories. */
  readonly refused?: string
}

/** A hook, or the mask that keeps one from being called. */
export interface ListedHook extends Hook {
  readonly isMasked: boolean
}

export interface FindOptions {
  /** Directories with a folder for each unit, the later ones stronger. */
  readonly roots?: readonly string[]
}

export const hookRoots: readonly string[] = ['/usr/lib/kernelswap/hooks.d', '/etc/kernelswap/hooks.d']

/**
 * The hooks in these folders, or in every folder, masks included, in the order they are called: by file name, whatever
 * folder they are in. A file in a stronger directory hides one of the same name, a link to /dev/null hides it and isn't run
 * itself. Files that aren't named `NN-name` (a README, what an editor or dpkg left) are no hooks.
 */
export async function listHooks(
  folders: readonly string[] | undefined,
  options: FindOptions = {},
): Promise<readonly ListedHook[]> {
  const { roots = hookRoots } = options
  const found = new Map<string, string>()
  for (const root of roots) {
    for (const folder of await foldersIn(root, folders)) {
      for (const name of await namesIn(join(root, folder))) {
        found.set(`${folder}/${name}`, join(root, folder, name))
      }
    }
  }
  const hooks: ListedHook[] = []
  for (const [id, path] of [...found].sort(([a], [b]) => byFileName(a, b))) {
    const isMasked = await isMask(path)
    const refused = isMasked ? undefined : whyUnsafe(path)
    hooks.push({ id, path, isMasked, ...(refused === undefined ? {} : { refused }) })
  }
  return hooks
}

/** `all`, the unit's own folder, and that of its template: `postgresql@.service` for `postgresql@17-main.service`. */
export function foldersOf(unit: string): readonly string[] {
  const template = unit.replace(/@[^.]+(?=\.[a-z]+$)/, '@')
  return [...new Set(['all', template, unit])]
}

/** Which of these folders there are; every folder, if left out. */
async function foldersIn(root: string, wanted: readonly string[] | undefined): Promise<readonly string[]> {
  const names = await entriesOf(root)
  if (wanted) return wanted.filter((folder) => names.includes(folder))
  const kinds = await Promise.all(names.map((name) => stat(join(root, name)).catch(() => undefined)))
  return names.filter((_, index) => kinds[index]?.isDirectory() ?? true)
}

const HOOK_NAME = /^\d{2}-[A-Za-z0-9_-]+$/

async function namesIn(directory: string): Promise<readonly string[]> {
  const names = await entriesOf(directory)
  return names.filter((name) => HOOK_NAME.test(name))
}

/** @throws Failure 'configuration' where nobody can tell what is in there: a hook that isn't asked would seem to agree. */
async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isErrno(error, 'ENOENT') && !(await isThere(directory))) return []
    throw new Failure(
      'configuration',
      `${directory} can't be read: ${messageOf(error)}; correct or remove it.`,
      { cause: error },
    )
  }
}

/** Order in which hooks of these ids are called. */
export function byFileName(a: string, b: string): number {
  const [x, y] = [a, b].map((id) => `${id.slice(id.indexOf('/') + 1)} ${id}`) as [string, string]
  return x < y ? -1 : 1
}
