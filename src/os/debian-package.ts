import { Failure, messageOf } from '../errors.ts'
import { fieldOf, filesIn } from '../tools/dpkg-deb.ts'
import { gunzip } from '../tools/unpack.ts'
import { type KernelFiles, moduleName } from './kernel-files.ts'

/** Where what has changed in a package is; `.Debian` for those that aren't Debian's own (Debian policy 12.7). */
export const changelogNames = ['changelog.Debian.gz', 'changelog.gz'] as const

const wanted =
  /^\/boot\/(vmlinuz|config)-|^(\/usr)?\/lib\/modules\/[^/]+\/kernel\/|^\/usr\/share\/doc\/[^/]+\/changelog/

/**
 * The kernel in a package file that needn't be installed.
 * @throws Failure 'usage' for a file that has none.
 */
export async function readPackagedKernel(file: string): Promise<KernelFiles> {
  const [version, files] = await Promise.all([
    fieldOf(file, 'Version'),
    filesIn(file, (path) => wanted.test(path)),
  ]).catch((error: unknown) => {
    throw new Failure('usage', `${file} can't be read as a package: ${messageOf(error)}.`)
  })
  const paths = [...files.keys()]
  const image = paths.find((path) => path.startsWith('/boot/vmlinuz-'))
  if (image === undefined)
    throw new Failure('usage', `${file} holds no kernel; those are named linux-image-VERSION.`)
  const release = image.slice('/boot/vmlinuz-'.length)
  const changelog = changelogNames
    .map((name) => paths.find((path) => path.endsWith(`/${name}`)))
    .find((path) => path !== undefined)
  return {
    release,
    version,
    image: files.get(image),
    config: textOf(files.get(`/boot/config-${release}`)),
    changelog: changelog === undefined ? undefined : textOf(gunzip(files.get(changelog)!)),
    modules: paths.flatMap((path) => {
      const name = moduleName(path)
      return name === undefined ? [] : [{ name, bytes: files.get(path)! }]
    }),
  }
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}
