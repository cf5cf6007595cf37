import { connect as connectSocket, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AnyAuthMethod } from 'ssh2'
import type { Failure } from '../errors.ts'
import { type Connection, connectionOf } from './ssh-connection.ts'

/** A way to prove who we are. */
export interface Credential {
  /** What the server must allow for it to be worth trying. */
  readonly type: 'publickey' | 'password'
  /** Undefined where there is nothing to offer. Asked only when the server allows it and all before it failed. */
  offer(): Promise<AnyAuthMethod | undefined>
}

/** Names of algorithms (RFC 4253, 6 and 7). */
export interface Algorithms {
  readonly kex: readonly string[]
  readonly cipher: readonly string[]
  readonly hmac: readonly string[]
}

/** What ssh2 has and is still held to be sound; its own defaults. */
export const supported: Algorithms = {
  kex: [
    ...['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384'],
    ...['ecdh-sha2-nistp521', 'diffie-hellman-group-exchange-sha256', 'diffie-hellman-group14-sha256'],
    ...['diffie-hellman-group15-sha512', 'diffie-hellman-group16-sha512', 'diffie-hellman-group17-sha512'],
    'diffie-hellman-group18-sha512',
  ],
  cipher: [
    ...['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
    'chacha20-poly1305@openssh.com',
  ],
  hmac: [
    ...['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha1-etm@openssh.com'],
    ...['hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1'],
  ],
}

/** How to log in to a server, and how it has to prove itself before anything is sent. */
export interface Login {
  /** For messages. */
  readonly host: string
  readonly username: string
  /** Names of host key algorithms (RFC 4253, 8709, 8332), the preferred ones first. */
  readonly hostKeyAlgorithms: readonly string[]
  /** Other algorithms, the preferred ones first; without them, ssh2's own. */
  readonly algorithms?: Algorithms
  /** What is wrong with the key that the server shows; undefined for the right one. */
  readonly judge: (key: Buffer) => Failure | undefined | Promise<Failure | undefined>
  /** Tried in this order. */
  readonly credentials: readonly Credential[]
  /** What to tell where no credential is accepted. */
  readonly refusal: () => Failure
}

/** A peer that answers nothing for 8 s is gone. */
const KEEPALIVE = { keepaliveInterval: 2000, keepaliveCountMax: 4 }
/** sshd in an emulated machine takes seconds to do its sums; giving up early makes it penalise our address. */
const HANDSHAKE_SECONDS = 60

/**
 * Opens a TCP connection.
 * @param from the address to come from, and the family of addresses, if that matters
 * @throws Error if there is no answer in time.
 */
export function openSocket(
  host: string,
  port: number,
  timeoutSeconds: number,
  from: { readonly localAddress?: string; readonly family?: 0 | 4 | 6 } = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true, ...from })
    const giveUp = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(timeoutSeconds * 1000, () => giveUp(new Error(`no answer from ${host}:${port}`)))
    socket.once('error', giveUp)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeListener('error', giveUp)
      resolve(socket)
    })
  })
}

/**
 * Logs in over a connection to an SSH server.
 * @throws Failure if it shows a wrong host key or accepts no credential: trying again won't help.
 * @throws Error if it goes away meanwhile.
 */
export async function logIn(sock: Duplex, login: Login): Promise<Connection> {
  // Only those who need it wait for it to load.
  const { Client } = (await import('ssh2')).default
  return new Promise((resolve, reject) => {
    const client = new Client()
    let failure: unknown
    const fail = (error: unknown) => {
      sock.destroy()
      reject(error)
    }
    const patience = () =>
      setTimeout(
        () => fail(new Error(`${login.host} did not finish logging us in`)),
        HANDSHAKE_SECONDS * 1000,
      )
    let timer = patience()
    client.once('ready', () => {
      clearTimeout(timer)
      client.removeAllListeners('error')
      resolve(connectionOf(client, sock, login.host))
    })
    client.once('close', () => {
      clearTimeout(timer)
      reject(failure ?? new Error(`${login.host} closed the connection`))
    })
    client.on('error', (error: Error & { level?: string }) => {
      // One credential less: an agent that is gone, or that refuses to sign.
      if (error.level === 'agent') return
      fail(failure ?? (error.level === 'client-authentication' ? login.refusal() : error))
    })
    const next = nextCredential(login)
    const { kex, cipher, hmac } = login.algorithms ?? supported
    client.connect({
      // ssh2 wants a socket, and uses what any stream has.
      sock: sock as Socket,
      username: login.username,
      // ssh2's types want literals.
      algorithms: {
        serverHostKey: [...login.hostKeyAlgorithms] as 'ssh-ed25519'[],
        kex: [...kex] as 'curve25519-sha256'[],
        cipher: [...cipher] as 'aes128-ctr'[],
        hmac: [...hmac] as 'hmac-sha2-256'[],
      },
      hostVerifier: (shown: Buffer, verdict: (isRight: boolean) => void) => {
        void judged(login, shown).then((found) => {
          failure = found
          verdict(found === undefined)
        })
      },
      authHandler: (left, _, proceed) => {
        // Whoever is asked for a passphrase may take longer.
        clearTimeout(timer)
        next(left).then(
          (method) => {
            timer = patience()
            // Its types leave out `false`: nothing is left to try.
            proceed(method ?? (false as unknown as 'none'))
          },
          (error: unknown) => {
            failure = error
            fail(error)
          },
        )
      },
      readyTimeout: 0,
      ...KEEPALIVE,
    })
  })
}

/** A judgement that fails is one against the server. */
async function judged({ judge }: Login, shown: Buffer): Promise<unknown> {
  try {
    return await judge(shown)
  } catch (error) {
    return error
  }
}

/** Hands out one credential after the other; first `none`, to hear what the server allows (RFC 4252, 5.2). */
function nextCredential({ username, credentials }: Login) {
  const rest = [...credentials]
  return async (allowed: readonly string[] | null): Promise<AnyAuthMethod | undefined> => {
    if (!allowed) return { type: 'none', username }
    for (let credential = rest.shift(); credential; credential = rest.shift()) {
      const method = allowed.includes(credential.type) ? await credential.offer() : undefined
      if (method) return method
    }
    return undefined
  }
}
