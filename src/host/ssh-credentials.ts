import type { BaseAgent, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2'
import { readString, rsaBits, signatureAlgorithms, typeOfKey } from './ssh-key.ts'
import type { Credential } from './ssh-login.ts'

/** A private key, ready to sign. */
export type PrivateKey = ParsedKey

/** What reading a private key came to. */
export type ReadKey =
  | { readonly kind: 'key'; readonly key: PrivateKey }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'wrong-passphrase' }
  | { readonly kind: 'unusable'; readonly why: string }

/** Reads a private key in any format that OpenSSH writes. */
export async function readPrivateKey(content: Buffer, passphrase?: string): Promise<ReadKey> {
  const { utils } = (await import('ssh2')).default
  const parsed = utils.parseKey(content, passphrase)
  if (!(parsed instanceof Error)) {
    return parsed.isPrivateKey()
      ? { kind: 'key', key: parsed }
      : { kind: 'unusable', why: 'it is a public key' }
  }
  if (passphrase === undefined && /no passphrase given/.test(parsed.message)) return { kind: 'encrypted' }
  // ssh2 tells a wrong passphrase by what it makes of the key, in several ways.
  if (passphrase !== undefined) return { kind: 'wrong-passphrase' }
  return { kind: 'unusable', why: parsed.message }
}

/** An OpenSSH private key has its public part in the clear: cipher, key derivation, its options, a count, then the key. */
const privateKeyMagic = 'openssh-key-v1\0'

/** The public key in a public or a private key's file, as SSH sends it; undefined where none can be read. */
export async function publicKeyOf(content: Buffer): Promise<Buffer | undefined> {
  const text = content.toString('latin1')
  const [type = '', base64 = ''] = text.trim().split(/\s+/)
  const plain = Buffer.from(base64, 'base64')
  if (typeOfKey(plain) === type) return plain
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1]
  const bytes = Buffer.from(body ?? '', 'base64')
  if (!bytes.toString('latin1').startsWith(privateKeyMagic)) {
    const read = await readPrivateKey(content)
    return read.kind === 'key' ? read.key.getPublicSSH() : undefined
  }
  let at = privateKeyMagic.length
  for (let skipped = 0; skipped < 3; skipped += 1) at += 4 + (readString(bytes, at)?.length ?? 0)
  return readString(bytes, at + 4)
}

/** Which keys may be offered, and how they may sign. */
export interface KeyPolicy {
  /** Names of signature algorithms. */
  readonly algorithms: readonly string[]
  readonly leastRsaBits: number
}

function mayOffer(key: Buffer, { algorithms, leastRsaBits }: KeyPolicy): boolean {
  return (
    (rsaBits(key) ?? leastRsaBits) >= leastRsaBits &&
    signatureAlgorithms(typeOfKey(key)).some((algorithm) => algorithms.includes(algorithm))
  )
}

/** An RSA key signs in one of three ways, and ssh2 takes the weakest where a server names none (RFC 8332). */
function mayHash(hash: string | undefined, { algorithms }: KeyPolicy): boolean {
  return algorithms.includes(
    hash === undefined || hash === 'sha1' ? 'ssh-rsa' : hash.replace('sha', 'rsa-sha2-'),
  )
}

const weak = () => new Error('the server takes no signature that the configuration allows')

/** A private key that is read when it is needed. */
export function keyCredential(
  username: string,
  read: () => Promise<PrivateKey | undefined>,
  policy: KeyPolicy,
): Credential {
  return {
    type: 'publickey',
    offer: async () => {
      const key = await read()
      if (!key || !mayOffer(key.getPublicSSH(), policy)) return undefined
      const { sign } = key
      if (key.type === 'ssh-rsa')
        key.sign = (data, hash) =>
          mayHash(hash, policy) ? sign.call(key, data, hash) : (weak() as unknown as Buffer)
      return { type: 'publickey', username, key }
    },
  }
}

/**
 * The keys of an agent.
 * @param socket path of its socket
 * @param only public keys as SSH sends them; without it, all that the agent has
 */
export function agentCredential(
  username: string,
  socket: string,
  policy: KeyPolicy,
  only?: readonly Buffer[],
): Credential {
  const isWanted = (key: Buffer) => mayOffer(key, policy) && (!only || only.some((one) => one.equals(key)))
  return {
    type: 'publickey',
    offer: async () => {
      const { createAgent } = (await import('ssh2')).default
      return { type: 'agent', username, agent: limit(createAgent(socket), isWanted, policy) }
    },
  }
}

/** A password that is asked for when it is needed. */
export function passwordCredential(username: string, ask: () => Promise<string>): Credential {
  return { type: 'password', offer: async () => ({ type: 'password', username, password: await ask() }) }
}

/** Hides all but some keys of an agent, and has it sign as the policy says. */
function limit(agent: BaseAgent, isWanted: (key: Buffer) => boolean, policy: KeyPolicy): BaseAgent {
  const all = agent.getIdentities.bind(agent)
  agent.getIdentities = (callback) =>
    all((error, keys) =>
      callback(
        error,
        keys?.filter((key) => isWanted(publicPart(key))),
      ),
    )
  const sign = agent.sign.bind(agent)
  // The options may be left out, as in the interface that ssh2 asks for.
  agent.sign = (key: Identity, data: Buffer, ...rest: unknown[]) => {
    const callback = rest.at(-1) as SignCallback
    const options = rest.length === 2 ? (rest[0] as SigningRequestOptions) : {}
    if (typeOfKey(publicPart(key)) === 'ssh-rsa' && !mayHash(options.hash, policy)) callback(weak())
    else sign(key as string, data, options, callback)
  }
  return agent
}

/** The forms in which agents name a key. */
type Identity = string | Buffer | PrivateKey | { readonly pubKey: Identity }

function publicPart(key: Identity): Buffer {
  if (Buffer.isBuffer(key)) return key
  if (typeof key === 'string') return Buffer.from(key, 'base64')
  return 'pubKey' in key ? publicPart(key.pubKey) : key.getPublicSSH()
}
