/**
 * What every boot starts afresh and no swap carries: systemd and what ties itself to it, devices and the network,
 * the ways in for operators. Their state lives in PID 1, in the kernel or on disk.
 */
const platform = [
  /^systemd-.*/,
  /^dbus(-broker)?$/,
  /^(serial-|console-|container-)?getty@.*/,
  /^user(-runtime-dir)?@.*/,
  /^ssh(d)?(@.*)?$/,
  /^(polkit|udisks2|upower|accounts-daemon|rtkit-daemon|colord|bolt|fwupd|packagekit)$/,
  /^(NetworkManager|ModemManager|wpa_supplicant|networking|ifup@.*|dhcpcd|iwd)$/,
  /^(chrony|ntpsec|ntp|auditd|multipathd|lvm2-.*|irqbalance|smartmontools|mdmonitor|haveged|rngd|acpid)$/,
  /^(libvirtd|virtlogd|docker|containerd|lxc.*|unattended-upgrades|qemu-guest-agent|kernelswap.*)$/,
]

/** True for a unit that belongs to the platform. */
export function isPlatform(unit: string): boolean {
  const name = unit.replace(/\.service$/, '')
  return platform.some((pattern) => pattern.test(name))
}
