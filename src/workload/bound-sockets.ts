import type { Process } from './process.ts'
import type { Surroundings } from './surroundings.ts'
import { hostPath } from './tmpfs-files.ts'

/**
 * Sockets of the host that the room of some processes shows at places of its own (systemd.exec(5), BindPaths=), by the host's
 * paths. systemd makes that room once, with what is there then: the sockets must have come before it.
 */
export function boundSockets(
  processes: readonly Pick<Process, 'mounts' | 'namespaces'>[],
  { mounts, namespaces, unixSockets }: Pick<Surroundings, 'mounts' | 'namespaces' | 'unixSockets'>,
): string[] {
  const known = new Set([...unixSockets.values()].map(({ path }) => path))
  const shown = processes
    .filter((process) => process.namespaces.mnt !== namespaces.mnt)
    .flatMap((process) => process.mounts.map(({ target }) => hostPath(target, process, { mounts })))
  return [...new Set(shown.flatMap((path) => (path !== undefined && known.has(path) ? [path] : [])))]
}
