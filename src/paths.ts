/** Where kernelswap lives on a host. */
export const paths = {
  /** Journals, reports and checkpoints: 0700, they hold the memory of services. */
  state: '/var/lib/kernelswap',
  swaps: '/var/lib/kernelswap/swaps',
  /** Lock and other things that a reboot may forget. */
  run: '/run/kernelswap',
  /** Where Debian's tools note that a reboot is wanted. */
  rebootRequired: '/run/reboot-required',
  /** What the next boot does; on the root file system, since generators run before /var is mounted. */
  landing: '/etc/kernelswap/landing',
  library: '/usr/lib/kernelswap',
  /** Drop-in folders with configuration, the later ones stronger. */
  configuration: ['/usr/lib/kernelswap/config.d', '/etc/kernelswap/config.d', '/run/kernelswap/config.d'],
  boot: '/boot',
  criu: '/usr/sbin/criu',
  /** The administrator's units. */
  units: '/etc/systemd/system',
  /** When persistent timers elapsed last (systemd.timer(5)). */
  timerStamps: '/var/lib/systemd/timers',
} as const
