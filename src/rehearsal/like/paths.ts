import { isAbsolute, normalize } from 'node:path'

/**
 * Who a host is, who may log in, how it boots and reaches its network, and what only its kernel or its package manager
 * may write: a copy has its own of these.
 */
const keptBack = [
  ...['/etc/machine-id', '/etc/hostname', '/etc/hosts', '/var/lib/dbus', '/var/lib/systemd', '/var/lib/dhcp'],
  ...['/etc/passwd', '/etc/passwd-', '/etc/group', '/etc/group-', '/etc/shadow', '/etc/shadow-'],
  ...['/etc/gshadow', '/etc/gshadow-', '/etc/subuid', '/etc/subgid', '/etc/security', '/etc/pam.d'],
  ...['/etc/ssh', '/root/.ssh', '/etc/sudoers', '/etc/sudoers.d', '/etc/krb5.keytab'],
  ...['/boot', '/etc/fstab', '/etc/crypttab', '/etc/default/grub', '/etc/default/grub.d', '/etc/grub.d'],
  ...['/etc/default/kexec', '/etc/initramfs-tools', '/etc/kernel', '/etc/modprobe.d', '/etc/modules-load.d'],
  ...['/etc/network', '/etc/netplan', '/etc/NetworkManager', '/etc/systemd/network', '/etc/resolv.conf'],
  ...['/etc/apt', '/var/lib/apt', '/var/lib/dpkg', '/var/cache/apt', '/etc/kernelswap/landing'],
  ...['/var/lib/kernelswap', '/dev', '/proc', '/run', '/sys', '/tmp', '/var/run', '/var/tmp', '/lost+found'],
]

/** The same wherever homes lie, and what dpkg-db-backup and cron keep of accounts and passwords. */
const keptBackAnywhere = /\/\.ssh(\/|$)|^\/var\/backups\/(passwd|group|shadow|gshadow)[^/]*$/

/** Systemd's folders that hold what no package brought. */
const localUnitFolders = ['/etc/systemd', '/usr/local/lib/systemd']

/** Where data lies: it is copied only where it is asked for. */
const dataFolders = ['/home', '/media', '/mnt', '/root', '/srv', '/var']

/** True for an absolute path without `..`, `//`, `/` at its end and control characters: it means the same to everybody. */
export function isPlain(path: string): boolean {
  return isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !hasControls(path)
}

/** True for what a copy has its own of. */
export function isKeptBack(path: string): boolean {
  return keptBackAnywhere.test(path) || keptBack.some((folder) => isWithin(path, folder))
}

/**
 * True for a directory that a machine may have replaced by the host's: configuration or data, with nothing in it that
 * the machine has its own of, or needs for itself.
 */
export function isReplaceable(directory: string): boolean {
  return (
    (isWithin(directory, '/etc') || isData(directory)) &&
    ![...keptBack, ...localUnitFolders].some((own) => isWithin(own, directory) || isWithin(directory, own))
  )
}

/** True for a path that is a folder, or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** The paths that are not below another one of them, each once. */
export function outermost(paths: readonly string[]): string[] {
  const all = [...new Set(paths)]
  return all.filter((path) => !all.some((other) => other !== path && isWithin(path, other)))
}

/** True for a unit file or drop-in of the administrator's. */
export function isLocalUnitFile(path: string): boolean {
  return localUnitFolders.some((folder) => isWithin(path, folder))
}

/** True for what is copied only if it is asked for. */
export function isData(path: string): boolean {
  return dataFolders.some((folder) => isWithin(path, folder))
}

function hasControls(path: string): boolean {
  return [...path].some((character) => character < ' ' || character === '\x7f')
}
