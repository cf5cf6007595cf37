import { readFileSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import pRetry, { AbortError } from 'p-retry'
import { Client, type ClientChannel, type SFTPWrapper } from 'ssh2'
import { Failure, messageOf } from '../errors.ts'
import { type Ended, ProgramError } from './local.ts'
import { shellCommand } from './quote.ts'

export interface SshTarget {
  readonly host: string
  readonly port?: number
  readonly username: string
  /** Path of the private key. */
  readonly privateKey: string
  /** The host's public key as a `.pub` file holds it: `ssh-ed25519 AAAA… comment`. Nothing else is accepted. */
  readonly hostKey: string
}

export interface RemoteRunOptions {
  /** Text for its standard input; otherwise it reads an empty one. */
  readonly input?: string
  /** It is killed after this many seconds. */
  readonly timeoutSeconds?: number
  readonly onStdoutLine?: (line: string) => void
  readonly onStderrLine?: (line: string) => void
}

export interface Connection {
  /**
   * Runs a program over there and returns how it ended, whatever its exit code.
   * @throws ConnectionLost if the connection breaks first: the program may be running on, or have ended.
   * @throws ProgramError if it is killed or runs out of time.
   */
  run(program: string, args: readonly string[], options?: RemoteRunOptions): Promise<Ended>
  /** Copies a file there, with this mode. It is written in place, not atomically. */
  putFile(localPath: string, remotePath: string, mode: number): Promise<void>
  getFile(remotePath: string, localPath: string): Promise<void>
  /** True until the connection ends or is noticed to be lost. */
  readonly open: boolean
  close(): void
}

/** The connection broke: the peer vanished, rebooted, or closed it. */
export class ConnectionLost extends Error {
  constructor(host: string, options?: ErrorOptions) {
    super(`the connection to ${host} was lost`, options)
    this.name = 'ConnectionLost'
  }
}

/** A peer that answers nothing for 8 s is gone. */
const KEEPALIVE = { keepaliveInterval: 2000, keepaliveCountMax: 4 }
const CONNECT_SECONDS = 3
/** sshd in an emulated machine takes seconds to do its sums; giving up early makes it penalise our address. */
const HANDSHAKE_SECONDS = 60
/** How long the other side may take to end a program whose time is up. */
const GRACE_SECONDS = 15
const GOODBYE_SECONDS = 2
const RETRY = { minTimeout: 250, maxTimeout: 1000, factor: 1.5 }

/**
 * Connects to an SSH server whose host key is known beforehand.
 * @throws Failure if it shows another host key or refuses ours: trying again won't help.
 * @throws Error if it can't be reached.
 */
export async function connect(target: SshTarget): Promise<Connection> {
  const socket = await openSocket(target.host, target.port ?? 22)
  const client = await authenticate(target, socket)
  return connectionOf(client, socket, target.host)
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

function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true })
    const giveUp = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(CONNECT_SECONDS * 1000, () => giveUp(new Error(`no answer from ${host}:${port}`)))
    socket.once('error', giveUp)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeListener('error', giveUp)
      resolve(socket)
    })
  })
}

function authenticate(target: SshTarget, sock: Socket): Promise<Client> {
  const [keyType = '', keyBlob = ''] = target.hostKey.trim().split(/\s+/)
  const pinned = Buffer.from(keyBlob, 'base64')
  let impostor = false

  return new Promise((resolve, reject) => {
    const client = new Client()
    client.once('ready', () => {
      client.removeAllListeners('error')
      resolve(client)
    })
    client.once('close', () => reject(new Error(`${target.host} closed the connection`)))
    client.on('error', (error) => {
      sock.destroy()
      reject(impostor ? wrongHostKey(target) : refusal(target, error))
    })
    client.connect({
      sock,
      username: target.username,
      privateKey: readFileSync(target.privateKey),
      // The type is the pinned key's own; ssh2's types want a literal.
      algorithms: { serverHostKey: [keyType as 'ssh-ed25519'] },
      hostVerifier: (shown: Buffer) => {
        impostor = !shown.equals(pinned)
        return !impostor
      },
      readyTimeout: HANDSHAKE_SECONDS * 1000,
      ...KEEPALIVE,
    })
  })
}

function wrongHostKey(target: SshTarget): Failure {
  return new Failure(
    'mismatch',
    `${target.host} shows another host key than the one known for it, so nothing was sent: find out why before connecting again`,
  )
}

function refusal(target: SshTarget, error: Error & { level?: string }): Error {
  if (error.level !== 'client-authentication') return error
  const { username, host, privateKey } = target
  return new Failure(
    'permission',
    `${host} refuses the key ${privateKey} for ${username}: authorise it there`,
  )
}

function connectionOf(client: Client, socket: Socket, host: string): Connection {
  let open = true
  let reason: Error | undefined
  const losers = new Set<(error: Error) => void>()
  client.on('error', (error) => {
    reason = error
  })
  const end = () => {
    open = false
    for (const lose of losers) lose(new ConnectionLost(host, { cause: reason }))
    losers.clear()
  }
  client.once('close', end)

  /** Runs something that the end of the connection makes fail. */
  function guarded<T>(
    act: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    if (!open) return Promise.reject(new ConnectionLost(host, { cause: reason }))
    return new Promise<T>((resolve, reject) => {
      losers.add(reject)
      act(
        (value) => {
          losers.delete(reject)
          resolve(value)
        },
        (error) => {
          losers.delete(reject)
          reject(error)
        },
      )
    })
  }

  async function withSftp(
    act: (sftp: SFTPWrapper, done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    const sftp = await guarded<SFTPWrapper>((resolve, reject) =>
      client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper))),
    )
    try {
      await guarded<void>((resolve, reject) => act(sftp, (error) => (error ? reject(error) : resolve())))
    } finally {
      sftp.end()
    }
  }

  return {
    get open() {
      return open
    },
    run: (program, args, options = {}) =>
      guarded((resolve, reject) => {
        client.exec(shellCommand(withLimit(program, args, options.timeoutSeconds)), (error, channel) => {
          if (error) reject(error)
          else follow(channel, program, args, options).then(resolve, reject)
        })
      }),
    putFile: (localPath, remotePath, mode) =>
      withSftp((sftp, done) => sftp.fastPut(localPath, remotePath, { mode }, done)),
    getFile: (remotePath, localPath) => withSftp((sftp, done) => sftp.fastGet(remotePath, localPath, done)),
    close: () => {
      end()
      client.end()
      // A peer that has vanished doesn't say goodbye. (client.destroy() leaves a half-closed socket open.)
      setTimeout(() => socket.destroy(), GOODBYE_SECONDS * 1000).unref()
    },
  }
}

/** sshd kills nothing for us in root's sessions, so the limit is kept over there, and watched from here. */
function withLimit(program: string, args: readonly string[], seconds: number | undefined): string[] {
  if (seconds === undefined) return [program, ...args]
  return ['timeout', '--signal=KILL', String(seconds + 1), program, ...args]
}

function follow(
  channel: ClientChannel,
  program: string,
  args: readonly string[],
  options: RemoteRunOptions,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stdout = collect(channel, options.onStdoutLine)
    const stderr = collect(channel.stderr, options.onStderrLine)
    const limit = deadlines(options.timeoutSeconds, () => finish(null))

    let code: number | null = null
    let signal: string | undefined
    channel.on('exit', (exitCode: number | null, signalName?: string) => {
      code = exitCode
      signal = signalName
    })
    // A lost connection closes its channels before it says that it is lost: let it say so.
    channel.once('close', () => setImmediate(() => finish(code)))
    channel.end(options.input ?? '')

    function finish(exitCode: number | null): void {
      limit.cancel()
      const ended = { code: exitCode ?? 127, stdout: stdout(), stderr: stderr() }
      const fail = (why: string) => reject(new ProgramError(program, args, ended, why))
      if (limit.passed()) fail(`still running after ${options.timeoutSeconds} s`)
      else if (exitCode === null) fail(signal ? `ended by SIG${signal}` : 'ended without an exit code')
      else resolve(ended)
    }
  })
}

/** Notes when a time limit has passed, and calls `overdue` when the other side then doesn't act on it. */
function deadlines(seconds: number | undefined, overdue: () => void) {
  let passed = false
  let timer: NodeJS.Timeout | undefined
  if (seconds !== undefined) {
    timer = setTimeout(() => {
      passed = true
      timer = setTimeout(overdue, GRACE_SECONDS * 1000)
    }, seconds * 1000)
  }
  return { passed: () => passed, cancel: () => clearTimeout(timer) }
}

function collect(stream: Readable, onLine?: (line: string) => void): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (onLine) createInterface({ input: stream }).on('line', onLine)
  return () => Buffer.concat(chunks).toString('utf8')
}
