/** A public key as SSH sends it begins with its type as a string: four bytes of length, then the name (RFC 4253, 6.6). */
export function typeOfKey(key: Buffer): string {
  return readString(key, 0)?.toString('latin1') ?? 'unknown'
}

/** Signature algorithms of a type of key: RSA has several (RFC 8332), the others go by their own name. */
export function signatureAlgorithms(type: string): readonly string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type]
}

/** The length of an RSA key in bits, that of its modulus, which comes third; undefined for other types. */
export function rsaBits(key: Buffer): number | undefined {
  if (typeOfKey(key) !== 'ssh-rsa') return undefined
  const exponent = 4 + key.readUInt32BE(0)
  const modulus = readString(key, exponent + 4 + (readString(key, exponent)?.length ?? 0)) ?? Buffer.alloc(0)
  const significant = modulus.subarray(
    Math.max(
      0,
      modulus.findIndex((byte) => byte !== 0),
    ),
  )
  return significant.length === 0 ? 0 : significant.length * 8 - Math.clz32(significant[0]!) + 24
}

/** The bytes of a string that begins there, undefined where the key ends before it does. */
export function readString(key: Buffer, at: number): Buffer | undefined {
  if (key.length < at + 4) return undefined
  const end = at + 4 + key.readUInt32BE(at)
  return key.length < end ? undefined : key.subarray(at + 4, end)
}
