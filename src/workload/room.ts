import type { OpenFile, Process } from './process.ts'
import type { Surroundings } from './surroundings.ts'
import type { TaskTree } from './task-tree.ts'

/**
 * What ties a workload to the room that systemd made for it, and what takes its place in the next one.
 * The words are CRIU's: `external` goes to dump, `inherit` to restore.
 */
export interface RoomTies {
  readonly external: readonly string[]
  readonly inherit: readonly string[]
  /** Files from outside the room that nothing can take the place of. */
  readonly foreign: readonly string[]
}

const journalSocket = '/run/systemd/journal/stdout'

/**
 * Finds a workload's journal streams and its /dev/null from another mount.
 *
 * Both come again on the other side as descriptors 0 to 2 of the unit's own ExecStartPost.
 */
export function roomTies({ processes }: Pick<TaskTree, 'processes'>, surroundings: Surroundings): RoomTies {
  const streams = journalStreams({ processes }, surroundings)
  const outside = processes.flatMap((process) => process.files.filter((file) => isForeign(file, process)))
  const nulls = unique(outside.filter(({ kind }) => kind === 'null').map(fileKey))
  const sockets = streams.map((inode) => `socket:[${inode}]`)
  return {
    external: [...streams.map((inode) => `unix[${inode}]`), ...nulls],
    inherit: [
      ...sockets.map((socket, index) => `fd[${index === 0 ? 1 : 2}]:${socket}`),
      ...nulls.map((key) => `fd[0]:${key}`),
    ],
    foreign: unique(outside.filter(({ kind }) => kind === 'file').map(({ target }) => target)),
  }
}

/** Inodes of the workload's own ends of its connections to journald. */
export function journalStreams(
  { processes }: Pick<TaskTree, 'processes'>,
  surroundings: Surroundings,
): number[] {
  return unique(
    processes
      .flatMap(({ files }) => files.map(({ socket }) => socket))
      .filter((inode) => inode !== undefined)
      .filter((inode) => peerPath(inode, surroundings) === journalSocket),
  )
}

/** The name of the socket at the other end, undefined where there is no other end. */
export function peerPath(inode: number, { unixSockets }: Surroundings): string | undefined {
  const peer = unixSockets.get(inode)?.peer
  return peer === undefined ? undefined : unixSockets.get(peer)?.path
}

/** A file that was opened in another mount namespace: its mount isn't among the process's own. */
function isForeign(file: OpenFile, process: Process): boolean {
  return file.kind !== 'other' && !process.mounts.some(({ id }) => id === file.mountId)
}

/** CRIU's name of an open file: mount and inode, both in hex (criu(8), --external file). */
function fileKey({ mountId, inode }: OpenFile): string {
  return `file[${mountId.toString(16)}:${inode.toString(16)}]`
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
