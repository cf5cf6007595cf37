/** A pending signal: the part of siginfo_t (sigaction(2)) that tells what it is and where it came from. */
export interface Siginfo {
  readonly signal: number
  /** SI_* and the codes of the signal's own, such as CLD_STOPPED. */
  readonly code: number
  /** Who sent it, where a process did; the child of SIGCHLD. */
  readonly pid: number
}

/** Parses the first 20 bytes of a siginfo_t, little-endian, as hexadecimal digits (asm-generic/siginfo.h). */
export function parseSiginfo(hex: string): Siginfo {
  const bytes = Buffer.from(hex, 'hex')
  return { signal: bytes.readInt32LE(0), code: bytes.readInt32LE(8), pid: bytes.readInt32LE(16) }
}
