import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../errors.ts'
import { version } from '../version.ts'

/**
 * Finds the Debian package of this kernelswap, to be installed elsewhere: in a checkout
 * `npm run package` puts it into dist/.
 * @throws Failure if there is none.
 */
export function findPackage(): string {
  const folders = ['.', '../dist', '../../dist', '/usr/share/kernelswap'].map((path) =>
    path.startsWith('/') ? path : fileURLToPath(new URL(path, import.meta.url)),
  )
  const file = folders.map((folder) => join(folder, `kernelswap_${version}_all.deb`)).find(existsSync)
  if (file !== undefined) return file
  throw new Failure(
    'failed',
    `The Debian package of kernelswap ${version} is missing here; \`npm run package\` in a checkout builds it, and in /usr/share/kernelswap a copy of it is found, too.`,
  )
}
