import { createHash } from 'node:crypto'
import { Failure, messageOf } from '../errors.ts'
import { rsaBits, signatureAlgorithms, typeOfKey } from '../host/ssh-key.ts'
import { isRevoked, type KnownKey } from '../tools/ssh-keygen.ts'

/** Who the host claims to be, and what known_hosts says of it. */
export interface HostTrust {
  /** As known_hosts names it. */
  readonly name: string
  readonly known: readonly KnownKey[]
  /** What one would type to connect with OpenSSH, which asks and remembers the key. */
  readonly command: string
  /** A file of keys that no host is to be trusted for. */
  readonly revokedHostKeys?: string | undefined
  readonly leastRsaBits?: number
}

/** Types of keys that ssh2 can check. */
const types = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']

/**
 * The algorithms to offer: a host with several keys shows one of a type that is known, if it has any.
 * @param allowed by OpenSSH's configuration; SHA-1 is left out, whatever it says
 */
export function hostKeyAlgorithms(known: readonly KnownKey[], allowed: readonly string[]): string[] {
  const isKnown = (type: string) => known.some((one) => one.marker === 'none' && one.type === type)
  const preferred = [...types.filter(isKnown), ...types.filter((type) => !isKnown(type))]
  return preferred
    .flatMap(signatureAlgorithms)
    .filter((algorithm) => algorithm !== 'ssh-rsa' && allowed.includes(algorithm))
}

/**
 * What is wrong with the key that a host shows; undefined for one that known_hosts has for it, and nobody has revoked.
 * Nothing else is ever accepted. (Keys that a certificate authority has signed can't be told: ssh2 asks for none.)
 */
export async function judgeHostKey(shown: Buffer, trust: HostTrust): Promise<Failure | undefined> {
  const what = `${trust.name} shows the ${typeOfKey(shown)} key ${fingerprint(shown)}`
  return (
    (await revocation(shown, trust, what)) ?? weakness(shown, trust, what) ?? strangeness(shown, trust, what)
  )
}

async function revocation(
  shown: Buffer,
  { known, revokedHostKeys }: HostTrust,
  what: string,
): Promise<Failure | undefined> {
  const marked = known.find(({ key, marker }) => marker === 'revoked' && key.equals(shown))
  const file = marked?.file ?? (await listing(shown, revokedHostKeys))
  if (file === undefined) return undefined
  return new Failure(
    'mismatch',
    `${what}, which ${file} revokes, so nothing was sent: do not connect until the host has a new key.`,
  )
}

/** The file, where it lists the key. */
async function listing(shown: Buffer, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await isRevoked(shown, file)) ? file : undefined
  } catch (error) {
    throw new Failure(
      'configuration',
      `Whether a key is revoked can't be told (RevokedHostKeys): ${messageOf(error)}; mend ${file}, nothing was sent.`,
      { cause: error },
    )
  }
}

function weakness(shown: Buffer, { leastRsaBits = 0 }: HostTrust, what: string): Failure | undefined {
  const bits = rsaBits(shown)
  if (bits === undefined || bits >= leastRsaBits) return undefined
  return new Failure(
    'mismatch',
    `${what} of ${bits} bits, and OpenSSH's configuration wants ${leastRsaBits} (RequiredRSASize), so nothing was sent.`,
  )
}

function strangeness(shown: Buffer, { name, known, command }: HostTrust, what: string): Failure | undefined {
  const type = typeOfKey(shown)
  if (known.some(({ key, marker }) => marker === 'none' && key.equals(shown))) return undefined
  const other = known.find((one) => one.marker === 'none' && one.type === type)
  if (other) {
    return new Failure(
      'mismatch',
      `${what}, but ${other.file} has ${fingerprint(other.key)} for it, so nothing was sent: somebody may be in between. If you know why it changed, ` +
        `\`ssh-keygen -R '${name}' -f ${other.file}\` forgets the old one and \`${command}\` asks for the new one.`,
    )
  }
  const compare = `compare it with what \`ssh-keygen -l -f /etc/ssh/ssh_host_${fileName(type)}_key.pub\` prints there`
  const authority = known.find(({ marker }) => marker === 'cert-authority')
  if (authority) {
    return new Failure(
      'mismatch',
      `${what}, and of ${authority.file} a certificate authority alone speaks for it (@cert-authority): certificates are not supported here, so nothing was sent; ` +
        `${compare}, then give that key a line of its own in known_hosts.`,
    )
  }
  return new Failure(
    'mismatch',
    `${what}, which known_hosts doesn't have, so nothing was sent: ${compare}, then accept it with \`${command}\`.`,
  )
}

/** SHA-256 in Base64 without padding, as OpenSSH prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function fileName(type: string): string {
  return /ed25519|ecdsa|rsa/.exec(type)?.[0] ?? '*'
}
