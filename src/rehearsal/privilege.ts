/**
 * Options of unshare(1) that make an ordinary user root over a user namespace with that user's subordinate numbers
 * (/etc/subuid, which Debian fills for each new user). None for root, who needs no such thing.
 */
export function rootOptions(): string[] {
  return process.getuid?.() === 0 ? [] : ['--map-root-user', '--map-auto']
}
