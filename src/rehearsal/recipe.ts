import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../errors.ts'

const INSTALLED = '/usr/share/kernelswap/images/rehearsal'

/**
 * The folder that holds the recipe of the rehearsal machine: in a checkout beside the bundle's or the
 * source's folder, else where the Debian package puts it.
 * @throws Failure if it is nowhere.
 */
export function recipeFolder(): string {
  const candidates = ['../images/rehearsal', '../../images/rehearsal'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const found = [...candidates, INSTALLED].find((folder) => existsSync(join(folder, 'build')))
  if (found) return found
  throw new Failure(
    'failed',
    `the recipe of the rehearsal machine is missing (${INSTALLED}): reinstall kernelswap`,
  )
}

/** A short hash of the names, modes and contents of all files below a folder. */
export async function hashOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) {
    const executable = ((await stat(file)).mode & 0o100) !== 0
    const content = await readFile(file)
    hash.update(`${relative(folder, file)}\0${executable}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}
