import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../errors.ts'

/**
 * Finds the Debian package of this kernelswap, to be installed elsewhere: in a checkout
 * `npm run package` puts it into dist/.
 * @throws Failure if there is none.
 */
export function findPackage(): string {
  const folders = ['.', '../dist', '../../dist', '/usr/share/kernelswap'].map((path) =>
    path.startsWith('/') ? path : fileURLToPath(new URL(path, import.meta.url)),
  )
  for (const folder of folders) {
    const name = existsSync(folder) && readdirSync(folder).find((file) => /^kernelswap_.*\.deb$/.test(file))
    if (name) return join(folder, name)
  }
  throw new Failure(
    'failed',
    'The Debian package of kernelswap is missing here; `npm run package` in a checkout builds it.',
  )
}
