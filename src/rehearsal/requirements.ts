import { accessSync, constants, readFileSync } from 'node:fs'
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

const LIBVIRT_DRIVERS = '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver'

/** What Vagrant needs besides. */
const VAGRANT_REQUIREMENTS: Requirements = {
  vagrant: 'vagrant',
  '/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json': 'vagrant-libvirt',
  libvirtd: 'libvirt-daemon',
  [`${LIBVIRT_DRIVERS}/libvirt_driver_qemu.so`]: 'libvirt-daemon-driver-qemu',
  [`${LIBVIRT_DRIVERS}/libvirt_driver_storage.so`]: 'libvirt-daemon-driver-storage',
}

/** Lets an ordinary user build the image. */
const USER_REQUIREMENTS: Requirements = { newuidmap: 'uidmap' }

/** Packages whose content another one has in Debian 12. */
const ELSEWHERE_IN_DEBIAN_12: Requirements = {
  'libvirt-daemon-driver-storage': 'libvirt-daemon',
}

/** How a rehearsal's machine is run: by QEMU alone, as root; or by Vagrant, as anybody. */
export type Runner = 'qemu' | 'vagrant'

/** Root's programs are not on everybody's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin']
const INSTALL_SECONDS = 1200

/**
 * Sees to it that everything a rehearsal needs is installed, and that we may use it.
 * @throws Failure 'permission' if only root could go on, with the command that installs what is missing.
 * @throws Failure if a package can't be installed.
 */
export async function ensureHostPackages(
  say: (line: string) => void,
  runner: Runner = 'qemu',
): Promise<void> {
  const root = process.getuid?.() === 0
  const missing = missingPackages(requirementsOf(runner, root, readFileSync('/etc/os-release', 'utf8')))
  if (!root && (runner === 'qemu' || missing.length > 0))
    throw new Failure('permission', howToGoOn(missing, runner))
  await installPackages(missing, say)
}

/** Installs packages, if any. @throws Failure with the command that failed. */
export async function installPackages(
  missing: readonly string[],
  say: (line: string) => void,
): Promise<void> {
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

/** Programs and files that a rehearsal needs, with the package that brings each on this release of Debian. */
export function requirementsOf(runner: Runner, root: boolean, osRelease: string): Requirements {
  if (runner === 'qemu') return REQUIREMENTS
  const needed = { ...REQUIREMENTS, ...VAGRANT_REQUIREMENTS, ...(root ? {} : USER_REQUIREMENTS) }
  if (!/^VERSION_ID="12"$/m.test(osRelease)) return needed
  return Object.fromEntries(
    Object.entries(needed).map(([file, name]) => [file, ELSEWHERE_IN_DEBIAN_12[name] ?? name]),
  )
}

/** The packages to install, each once, given what is there. */
export function missingPackages(
  requirements: Requirements,
  present: (programOrFile: string) => boolean = isPresent,
): string[] {
  const packages = Object.entries(requirements).flatMap(([needed, name]) => (present(needed) ? [] : [name]))
  return [...new Set(packages)]
}

function howToGoOn(missing: readonly string[], runner: Runner): string {
  if (missing.length === 0) return 'a rehearsal makes network namespaces and disks: run it as root'
  const needs = runner === 'qemu' ? 'root and programs' : 'programs'
  return `a rehearsal needs ${needs} that are missing: as root, run ${installCommand(missing)}`
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
