import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { Failure, messageOf } from '../errors.ts'
import { run } from '../host/local.ts'

/** Programs (or files), and the Debian packages that bring them. */
export type Requirements = Readonly<Record<string, string>>

/** What a rehearsal uses. */
const REQUIREMENTS: Requirements = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
  'mkfs.ext4': 'e2fsprogs',
  sfdisk: 'fdisk',
  ip: 'iproute2',
  'ssh-keygen': 'openssh-client',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  'dpkg-deb': 'dpkg',
}

/** Root's programs are not on everybody's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin']
const INSTALL_SECONDS = 1200

/**
 * Sees to it that everything a rehearsal (or something else) needs is installed, and that we may use it.
 * @throws Failure 'permission' if we aren't root, with the command that installs what is missing.
 * @throws Failure if a package can't be installed.
 */
export async function ensureHostPackages(
  say: (line: string) => void,
  requirements = REQUIREMENTS,
): Promise<void> {
  const missing = missingPackages(isPresent, requirements)
  if (process.getuid?.() !== 0) throw new Failure('permission', howToGoOn(missing))
  if (missing.length === 0) return
  say(`installing Debian packages: ${missing.join(' ')}`)
  try {
    await install(missing)
  } catch (error) {
    const command = installCommand(missing)
    throw new Failure('failed', `${command} failed, so see what it says: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** The packages to install, each once, given what is there. */
export function missingPackages(
  present: (programOrFile: string) => boolean,
  requirements = REQUIREMENTS,
): string[] {
  const packages = Object.entries(requirements).flatMap(([needed, name]) => (present(needed) ? [] : [name]))
  return [...new Set(packages)]
}

function howToGoOn(missing: readonly string[]): string {
  if (missing.length === 0) return 'a rehearsal makes network namespaces and disks: run it as root'
  return `a rehearsal needs root and programs that are missing: as root, run ${installCommand(missing)}`
}

function installCommand(packages: readonly string[]): string {
  return `apt install --no-install-recommends ${packages.join(' ')}`
}

async function install(packages: readonly string[]): Promise<void> {
  const apt = (...args: string[]) =>
    run('apt-get', args, { timeoutSeconds: INSTALL_SECONDS, env: { DEBIAN_FRONTEND: 'noninteractive' } })
  const installThem = () => apt('install', '--yes', '--no-install-recommends', ...packages)
  // The lists may be missing, or name versions that the mirror has dropped.
  await installThem().catch(async () => {
    await apt('update')
    await installThem()
  })
}

function isPresent(programOrFile: string): boolean {
  if (programOrFile.startsWith('/')) return isReadable(programOrFile)
  const folders = [...(process.env.PATH ?? '').split(':'), ...SYSTEM_FOLDERS]
  return folders.some((folder) => isReadable(join(folder, programOrFile), constants.X_OK))
}

function isReadable(path: string, mode = constants.R_OK): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
