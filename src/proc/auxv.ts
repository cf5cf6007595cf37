/**
 * Parses /proc/PID/auxv, pairs of native words: getauxval(3). Type → value as hexadecimal text.
 * Written for 64-bit little-endian machines, the only ones supported.
 */
export function parseAuxv(bytes: Buffer): Readonly<Record<string, string>> {
  const vector: Record<string, string> = {}
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const type = bytes.readBigUInt64LE(at)
    if (type === 0n) break
    vector[String(type)] = bytes.readBigUInt64LE(at + 8).toString(16)
  }
  return vector
}
