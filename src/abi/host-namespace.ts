import { readFileSync, readlinkSync } from 'node:fs'

/**
 * The host's namespace of a kind, as its link reads: that of PID 1, or our own where we may not look at PID 1
 * (in a container, or without CAP_SYS_PTRACE).
 */
export function hostNamespace(kind: string): string {
  return ofFirst((pid) => readlinkSync(`/proc/${pid}/ns/${kind}`))
}

/** The text of the host's /proc/PID/mountinfo. */
export function hostMountinfo(): string {
  return ofFirst((pid) => readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
}

function ofFirst(read: (pid: '1' | 'self') => string): string {
  try {
    return read('1')
  } catch {
    return read('self')
  }
}
