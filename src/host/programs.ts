/** Programs that kernelswap calls, and the Debian packages that bring them. */
const packages: Readonly<Record<string, string>> = {
  ...{
    criu: 'criu',
    kexec: 'kexec-tools',
    nft: 'nftables',
    ip: 'iproute2',
    ss: 'iproute2',
    getfattr: 'attr',
  },
  ...{ systemctl: 'systemd', 'systemd-analyze': 'systemd', busctl: 'systemd', journalctl: 'systemd' },
  ...{ bootctl: 'systemd-boot', 'grub-editenv': 'grub-common', 'grub-reboot': 'grub2-common' },
  ...{ flock: 'util-linux', nsenter: 'util-linux', setpriv: 'util-linux', unshare: 'util-linux' },
  ...{
    logger: 'bsdutils',
    mount: 'mount',
    perl: 'perl-base',
    tar: 'tar',
    sync: 'coreutils',
    cp: 'coreutils',
  },
  ...{ ssh: 'openssh-client', 'ssh-keygen': 'openssh-client', 'apt-get': 'apt', 'apt-cache': 'apt' },
  ...{ bzip2: 'bzip2', lz4: 'lz4', lzop: 'lzop', xz: 'xz-utils', zstd: 'zstd' },
  ...{ 'dpkg-deb': 'dpkg', 'dpkg-query': 'dpkg' },
  ...{ 'qemu-img': 'qemu-utils', 'qemu-system-x86_64': 'qemu-system-x86', vagrant: 'vagrant' },
}

/** What brings a program that is missing, for people. */
export function remedyFor(program: string): string {
  const found = packages[program.slice(program.lastIndexOf('/') + 1)]
  return found === undefined ? 'install it' : `apt install ${found}`
}
