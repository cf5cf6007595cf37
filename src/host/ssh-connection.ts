import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client, ClientChannel } from 'ssh2'
import { type Ended, ProgramError } from './local.ts'
import { shellCommand } from './quote.ts'

export interface RemoteRunOptions {
  /** Text for its standard input; otherwise it reads an empty one. */
  readonly input?: string
  /** It is killed after this many seconds. */
  readonly timeoutSeconds?: number
  readonly onStdoutLine?: (line: string) => void
  readonly onStderrLine?: (line: string) => void
}

/** A program over there whose standard input and output are ours to write and read. */
export interface RemoteProgram {
  readonly stdin: Writable
  readonly stdout: Readable
  /**
   * How it ended, its standard output left out.
   * @throws ConnectionLost, ProgramError as `run` does.
   */
  readonly ended: Promise<Ended>
}

export interface Connection {
  /**
   * Runs a program over there and returns how it ended, whatever its exit code.
   * @throws ConnectionLost if the connection breaks first: the program may be running on, or have ended.
   * @throws ProgramError if it is killed or runs out of time.
   */
  run(program: string, args: readonly string[], options?: RemoteRunOptions): Promise<Ended>
  /** Starts a program over there. @throws ConnectionLost if the connection is gone. */
  start(program: string, args: readonly string[]): Promise<RemoteProgram>
  /** Copies a file there, with this mode. It is written in place, not atomically. */
  putFile(localPath: string, remotePath: string, mode: number): Promise<void>
  getFile(remotePath: string, localPath: string): Promise<void>
  /** A TCP connection that goes on from there. @throws Error if nothing answers at the other end. */
  forward(host: string, port: number): Promise<Duplex>
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

/** How long the other side may take to end a program whose time is up. */
const GRACE_SECONDS = 15
const GOODBYE_SECONDS = 2

/** Makes a connection of a client that has logged in over this socket. */
export function connectionOf(client: Client, socket: Duplex, host: string): Connection {
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

  function execute(command: string): Promise<ClientChannel> {
    return guarded((resolve, reject) => {
      client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)))
    })
  }

  async function start(program: string, args: readonly string[]): Promise<RemoteProgram> {
    const channel = await execute(shellCommand([program, ...args]))
    const ended = guarded<Ended>((resolve, reject) => {
      ending(channel, program, args, collect(channel.stderr)).then(resolve, reject)
    })
    return { stdin: channel, stdout: channel, ended }
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
    start,
    // Not every server has SFTP, and what runs programs can copy a file.
    putFile: async (localPath, remotePath, mode) => {
      const write = 'umask 077; cat > "$1" && chmod "$2" "$1"'
      const program = await start('sh', ['-c', write, '-', remotePath, mode.toString(8)])
      program.stdout.resume()
      await succeed(program, remotePath, pipeline(createReadStream(localPath), program.stdin))
    },
    getFile: async (remotePath, localPath) => {
      const program = await start('cat', ['--', remotePath])
      program.stdin.end()
      await succeed(program, remotePath, pipeline(program.stdout, createWriteStream(localPath)))
    },
    forward: (toHost, toPort) =>
      guarded((resolve, reject) =>
        client.forwardOut('127.0.0.1', 0, toHost, toPort, (error, channel) =>
          error ? reject(error) : resolve(channel),
        ),
      ),
    close: () => {
      end()
      client.end()
      // A peer that has vanished doesn't say goodbye. (client.destroy() leaves a half-closed socket open.)
      setTimeout(() => socket.destroy(), GOODBYE_SECONDS * 1000).unref()
    },
  }
}

/** How the program ended tells more than how its stream did. */
async function succeed({ ended, stdin }: RemoteProgram, path: string, copied: Promise<void>): Promise<void> {
  copied.catch(() => stdin.end())
  const how = await ended
  if (how.code !== 0) throw new ProgramError('copy', [path], how, `exit code ${how.code}`)
  await copied
}

/** sshd kills nothing for us in root's sessions, so the limit is kept over there, and watched from here. */
function withLimit(program: string, args: readonly string[], seconds: number | undefined): string[] {
  if (seconds === undefined) return [program, ...args]
  return ['timeout', '--signal=KILL', String(seconds + 1), program, ...args]
}

async function follow(
  channel: ClientChannel,
  program: string,
  args: readonly string[],
  options: RemoteRunOptions,
): Promise<Ended> {
  const stdout = collect(channel, options.onStdoutLine)
  const stderr = collect(channel.stderr, options.onStderrLine)
  const limit = deadline(options.timeoutSeconds)
  const ended = ending(channel, program, args, stderr)
  channel.end(options.input ?? '')
  try {
    const how = await Promise.race([ended, limit.overdue])
    if (how && !limit.passed()) return { ...how, stdout: stdout() }
  } catch (error) {
    if (!limit.passed()) throw error
  } finally {
    limit.cancel()
  }
  const cut = { code: 127, stdout: stdout(), stderr: stderr() }
  throw new ProgramError(program, args, cut, `still running after ${options.timeoutSeconds} s`)
}

function ending(
  channel: ClientChannel,
  program: string,
  args: readonly string[],
  stderr: () => string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let code: number | null = null
    let signal: string | undefined
    channel.on('exit', (exitCode: number | null, signalName?: string) => {
      code = exitCode
      signal = signalName
    })
    // A lost connection closes its channels before it says that it is lost: let it say so.
    channel.once('close', () =>
      setImmediate(() => {
        const ended = { code: code ?? 127, stdout: '', stderr: stderr() }
        if (code !== null) resolve(ended)
        else {
          const why = signal ? `ended by ${signal}` : 'ended without an exit code'
          reject(new ProgramError(program, args, ended, why))
        }
      }),
    )
  })
}

/** Notes when a time limit has passed; `overdue` resolves when the other side then doesn't act on it. */
function deadline(seconds: number | undefined) {
  let passed = false
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<void>((resolve) => {
    if (seconds === undefined) return
    timer = setTimeout(() => {
      passed = true
      timer = setTimeout(resolve, GRACE_SECONDS * 1000)
    }, seconds * 1000)
  })
  return { overdue, passed: () => passed, cancel: () => clearTimeout(timer) }
}

function collect(stream: Readable, onLine?: (line: string) => void): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (onLine) createInterface({ input: stream }).on('line', onLine)
  return () => Buffer.concat(chunks).toString('utf8')
}
