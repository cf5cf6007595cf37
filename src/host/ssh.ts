import { readFileSync } from 'node:fs'
import pRetry, { AbortError } from 'p-retry'
import { Failure, messageOf } from '../errors.ts'
import type { Connection } from './ssh-connection.ts'
import { logIn, openSocket } from './ssh-login.ts'

/** A server whose host key is known beforehand, and accepts one key. */
export interface SshTarget {
  readonly host: string
  readonly port?: number
  readonly username: string
  /** Path of the private key. */
  readonly privateKey: string
  /** The host's public key as a `.pub` file holds it: `ssh-ed25519 AAAA… comment`. Nothing else is accepted. */
  readonly hostKey: string
}

const CONNECT_SECONDS = 3
const RETRY = { minTimeout: 250, maxTimeout: 1000, factor: 1.5 }

/**
 * Connects to an SSH server whose host key is known beforehand.
 * @throws Failure if it shows another host key or refuses ours: trying again won't help.
 * @throws Error if it can't be reached.
 */
export async function connect(target: SshTarget): Promise<Connection> {
  const { host, username } = target
  const [keyType = '', keyBlob = ''] = target.hostKey.trim().split(/\s+/)
  const pinned = Buffer.from(keyBlob, 'base64')
  const key = readFileSync(target.privateKey)
  const socket = await openSocket(host, target.port ?? 22, CONNECT_SECONDS)
  return logIn(socket, {
    host,
    username,
    hostKeyAlgorithms: [keyType],
    judge: (shown) => (shown.equals(pinned) ? undefined : wrongHostKey(target)),
    credentials: [{ type: 'publickey', offer: async () => ({ type: 'publickey', username, key }) }],
    refusal: () => loginRefused(target),
  })
}

/**
 * Connects to a server that may not be up yet, trying until it answers.
 * @throws Failure at once for a wrong host key or a refused key, or after `timeoutSeconds`.
 */
export async function connectPatiently(
  target: SshTarget,
  options: { readonly timeoutSeconds: number },
): Promise<Connection> {
  const deadline = Date.now() + options.timeoutSeconds * 1000
  const tryOnce = () =>
    connect(target).catch((error: unknown) => {
      if (error instanceof Failure) throw new AbortError(error)
      if (Date.now() < deadline) throw error
      const seconds = options.timeoutSeconds
      throw new AbortError(
        new Failure('failed', `${target.host} did not answer SSH within ${seconds} s: ${messageOf(error)}`),
      )
    })
  return pRetry(tryOnce, { ...RETRY, retries: Number.POSITIVE_INFINITY })
}

function wrongHostKey(target: SshTarget): Failure {
  return new Failure(
    'mismatch',
    `${target.host} shows another host key than the one known for it, so nothing was sent: find out why before connecting again`,
  )
}

function loginRefused({ username, host, privateKey }: SshTarget): Failure {
  return new Failure(
    'permission',
    `${host} refuses the key ${privateKey} for ${username}: authorise it there`,
  )
}
