/**
 * What every boot starts afresh and no swap carries: systemd and what ties itself to it, devices and the network,
 * the ways in for operators. Their state lives in PID 1, in the kernel or on disk.
 */
const platform: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^systemd-.*/, 'part of systemd, which keeps its state on disk and in /run'],
  [/^dbus(-broker)?$/, 'keeps connections alone, which begin again with those who have them'],
  [/^(serial-|console-|container-)?getty@.*/, 'waits for a login'],
  [/^user(-runtime-dir)?@.*/, "begins with its user's first login, or with the boot"],
  [/^ssh(d)?(@.*)?$/, 'lets operators in'],
  [
    /^(polkit|udisks2|upower|accounts-daemon|rtkit-daemon|colord|bolt|fwupd|packagekit)$/,
    'is started when somebody asks it',
  ],
  [/^(NetworkManager|ModemManager|wpa_supplicant|networking|ifup@.*|dhcpcd|iwd)$/, 'makes the network'],
  [
    /^(chrony|ntpsec|ntp|auditd|multipathd|lvm2-.*|irqbalance|smartmontools|mdmonitor|haveged|rngd|acpid)$/,
    'looks after the kernel and its devices',
  ],
  [
    /^(libvirtd|virtlogd|docker|containerd|lxc.*)$/,
    'looks after containers or guests, and keeps its state on disk',
  ],
  [/^(unattended-upgrades|qemu-guest-agent)$/, 'waits for work'],
  [/^kernelswap.*$/, 'is kernelswap itself'],
]

/** Why a unit belongs to the platform and begins afresh without a loss; undefined where it doesn't. */
export function whyPlatform(unit: string): string | undefined {
  const name = unit.replace(/\.service$/, '')
  return platform.find(([pattern]) => pattern.test(name))?.[1]
}

/** True for a unit that belongs to the platform. */
export function isPlatform(unit: string): boolean {
  return whyPlatform(unit) !== undefined
}
