/** CRIU gives anonymous shared memory back as a memfd of the same name (criu/shmem.c). */
const ANONYMOUS_SHARED = '/dev/zero (deleted)'

/**
 * A path as it reads on any boot: systemd puts the boot id and six random characters into the names of private
 * temporary directories (systemd.exec(5), PrivateTmp=).
 */
export function stablePath(path: string): string {
  if (path === `/memfd:${ANONYMOUS_SHARED}`) return ANONYMOUS_SHARED
  return path.replace(
    /systemd-private-[0-9a-f]{32}-(.+?)-[A-Za-z0-9]{6}(?=\/|$| )/g,
    'systemd-private-BOOT-$1-RANDOM',
  )
}
