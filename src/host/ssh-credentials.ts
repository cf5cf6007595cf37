import type { BaseAgent, ParsedKey } from 'ssh2'
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
  const { utils } = await import('ssh2')
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

/** A private key that is read when it is needed. */
export function keyCredential(username: string, read: () => Promise<PrivateKey | undefined>): Credential {
  return {
    type: 'publickey',
    offer: async () => {
      const key = await read()
      return key && { type: 'publickey', username, key }
    },
  }
}

/**
 * The keys of an agent.
 * @param socket path of its socket
 * @param only public keys as SSH sends them; without it, all that the agent has
 */
export function agentCredential(username: string, socket: string, only?: readonly Buffer[]): Credential {
  return {
    type: 'publickey',
    offer: async () => {
      const { createAgent } = await import('ssh2')
      const agent = only ? limit(createAgent(socket), only) : createAgent(socket)
      return { type: 'agent', username, agent }
    },
  }
}

/** A password that is asked for when it is needed. */
export function passwordCredential(username: string, ask: () => Promise<string>): Credential {
  return { type: 'password', offer: async () => ({ type: 'password', username, password: await ask() }) }
}

/** Hides all but some keys of an agent. */
function limit(agent: BaseAgent, only: readonly Buffer[]): BaseAgent {
  const all = agent.getIdentities.bind(agent)
  agent.getIdentities = (callback) =>
    all((error, keys) =>
      callback(
        error,
        keys?.filter((key) => only.some((one) => one.equals(publicPart(key)))),
      ),
    )
  return agent
}

/** The forms in which agents name a key. */
type Identity = string | Buffer | PrivateKey | { readonly pubKey: Identity }

function publicPart(key: Identity): Buffer {
  if (Buffer.isBuffer(key)) return key
  if (typeof key === 'string') return Buffer.from(key, 'base64')
  return 'pubKey' in key ? publicPart(key.pubKey) : key.getPublicSSH()
}
