import { createHash } from 'node:crypto'
import { Failure } from '../errors.ts'
import type { KnownKey } from '../tools/ssh-keygen.ts'

/** Who the host claims to be, and what known_hosts says of it. */
export interface Acquaintance {
  /** As known_hosts names it. */
  readonly name: string
  readonly known: readonly KnownKey[]
  /** What one would type to connect with OpenSSH, which asks and remembers the key. */
  readonly command: string
}

/** Signature algorithms of each type of key (RFC 8332 for RSA); SHA-1 is left out. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

/** The algorithms to offer: a host with several keys shows one of a type that is known, if it has any. */
export function hostKeyAlgorithms(known: readonly KnownKey[]): string[] {
  const types = Object.keys(ALGORITHMS)
  const isKnown = (type: string) => known.some((one) => one.marker === 'none' && one.type === type)
  const preferred = [...types.filter(isKnown), ...types.filter((type) => !isKnown(type))]
  return preferred.flatMap((type) => ALGORITHMS[type] ?? [])
}

/**
 * What is wrong with the key that a host shows; undefined for one that known_hosts has for it. Nothing else is ever
 * accepted. (Keys that a certificate authority has signed can't be told: ssh2 asks for none.)
 */
export function judgeHostKey(shown: Buffer, { name, known, command }: Acquaintance): Failure | undefined {
  const type = typeOf(shown)
  const same = known.filter(({ key }) => key.equals(shown))
  const what = `${name} shows the ${type} key ${fingerprint(shown)}`
  const revoked = same.find(({ marker }) => marker === 'revoked')
  if (revoked) {
    return new Failure(
      'mismatch',
      `${what}, which ${revoked.file} revokes, so nothing was sent: do not connect until the host has a new key.`,
    )
  }
  if (same.some(({ marker }) => marker === 'none')) return undefined
  const other = known.find((one) => one.marker === 'none' && one.type === type)
  if (other) {
    return new Failure(
      'mismatch',
      `${what}, but ${other.file} has ${fingerprint(other.key)} for it, so nothing was sent: somebody may be in between. If you know why it changed, ` +
        `\`ssh-keygen -R '${name}' -f ${other.file}\` forgets the old one and \`${command}\` asks for the new one.`,
    )
  }
  return new Failure(
    'mismatch',
    `${what}, which known_hosts doesn't have, so nothing was sent: compare it with what \`ssh-keygen -l -f /etc/ssh/ssh_host_${fileName(type)}_key.pub\` ` +
      `prints there, then accept it with \`${command}\`.`,
  )
}

/** SHA-256 in Base64 without padding, as OpenSSH prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** A key begins with its type as a string: four bytes of length, then the name (RFC 4253, 6.6). */
function typeOf(key: Buffer): string {
  return key.length < 4 ? 'unknown' : key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')
}

function fileName(type: string): string {
  return /ed25519|ecdsa|rsa/.exec(type)?.[0] ?? '*'
}
