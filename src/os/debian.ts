import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ifMissing } from '../errors.ts'
import { attempt, run } from '../host/local.ts'
import { paths } from '../paths.ts'
import { parseOwners } from '../tools/dpkg.ts'
import { gunzip } from '../tools/unpack.ts'
import { parseChangelog, unsigned } from './debian-changelog.ts'
import { changelogNames, readPackagedKernel } from './debian-package.ts'
import type { Distribution } from './distribution.ts'
import { releasesAmong } from './kernel-release.ts'

const querySeconds = 30

/** Debian, and what descends from it. */
export const debian: Distribution = {
  id: 'debian',
  installedKernels: async () => kernelsAmong(await readdir(paths.boot)),
  kernelFiles: (release) => ({
    kernel: join(paths.boot, `vmlinuz-${release}`),
    initrd: join(paths.boot, `initrd.img-${release}`),
    config: join(paths.boot, `config-${release}`),
  }),
  modulesFolder: (release) => join('/usr/lib/modules', release, 'kernel'),
  kernelPackage: (release) => `linux-image-${release}`,
  // linux-base is what Ubuntu's hook of kernel packages notes beside the image.
  isKernelPackage: (name) => /^linux-(image|modules|base$)/.test(name),
  packageOf: async (path) => {
    const found = await attempt('dpkg-query', ['--search', path], { timeoutSeconds: querySeconds })
    const name = parseOwners(found.stdout).get(path)?.[0]
    if (name === undefined) return undefined
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is dpkg-query's.
    const words = ['--show', '--showformat=${Version}', name]
    return { name, version: (await run('dpkg-query', words, { timeoutSeconds: querySeconds })).stdout }
  },
  // Its kernels tell their package's version as they tell their own: `#1 SMP … Debian 6.12.90-1 (2026-05-22)`.
  runningVersion: async () => / Debian (\S+) /.exec(await readFile('/proc/version', 'utf8'))?.[1],
  readChangelog: async (name) => {
    for (const file of changelogNames) {
      const bytes = await readFile(join('/usr/share/doc', name, file)).catch(ifMissing(undefined))
      if (bytes) return Buffer.from(gunzip(bytes)).toString()
    }
    return undefined
  },
  parseChangelog,
  versionInChangelog: unsigned,
  isPackageFile: (name) => name.endsWith('.deb'),
  readKernelPackage: readPackagedKernel,
}

/** Releases of the kernels among the names of files in /boot, the oldest first. */
export function kernelsAmong(files: readonly string[]): string[] {
  const images = files.filter((file) => file.startsWith('vmlinuz-'))
  return releasesAmong(images.map((file) => file.slice('vmlinuz-'.length)))
}
