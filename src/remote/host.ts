import { Failure, messageOf } from '../errors.ts'
import type { Ended } from '../host/local.ts'
import type { Connection, RemoteProgram, RemoteRunOptions } from '../host/ssh-connection.ts'
import type { Destination } from '../tools/ssh.ts'
import { version } from '../version.ts'
import { type Ask, askOnce } from './credentials.ts'
import { dial } from './dial.ts'

/** A host on which programs are run as root. It may go down and come up again: each call connects if need be. */
export interface RemoteHost {
  /** For messages. */
  readonly name: string
  /** @throws as `Connection.run` does, and as `dial` where it has to connect. */
  run(program: string, args: readonly string[], options?: RemoteRunOptions): Promise<Ended>
  start(program: string, args: readonly string[]): Promise<RemoteProgram>
  /** Copies a file there, owned by whoever logs in. */
  putFile(localPath: string, remotePath: string, mode: number): Promise<void>
  /** Runs a program as whoever logs in. */
  runAsUser(program: string, args: readonly string[]): Promise<Ended>
  close(): void
}

export interface HostOptions {
  readonly configFile?: string | undefined
  readonly ask: Ask
}

/** How a program is started as root: what stands before it, and what it must be given first on its standard input. */
interface Elevation {
  readonly words: readonly string[]
  readonly input: string
}

/** A host that isn't connected to yet. */
export function remoteHost(destination: Destination, options: HostOptions): RemoteHost {
  const ask = askOnce(options.ask)
  const { name } = destination
  let connection: Connection | undefined
  let dialling: Promise<Connection> | undefined
  let elevation: Elevation | undefined

  async function connected(): Promise<Connection> {
    if (connection?.open) return connection
    // Two that miss it at once get the same one: nobody would close the other.
    dialling ??= dial(destination, { configFile: options.configFile, ask }).finally(() => {
      dialling = undefined
    })
    connection = await dialling
    return connection
  }

  async function asRoot(): Promise<[Connection, Elevation]> {
    const ssh = await connected()
    elevation ??= await becomeRoot(ssh, name, ask)
    return [ssh, elevation]
  }

  return {
    name,
    run: async (program, args, runOptions = {}) => {
      const [ssh, { words, input }] = await asRoot()
      const [first, ...rest] = [...words, program, ...args]
      return ssh.run(first!, rest, { ...runOptions, input: input + (runOptions.input ?? '') })
    },
    start: async (program, args) => {
      const [ssh, { words, input }] = await asRoot()
      const [first, ...rest] = [...words, program, ...args]
      const started = await ssh.start(first!, rest)
      if (input !== '') started.stdin.write(input)
      return started
    },
    putFile: async (...args) => (await connected()).putFile(...args),
    runAsUser: async (program, args) => (await connected()).run(program, args, { timeoutSeconds: 60 }),
    close: () => connection?.close(),
  }
}

async function becomeRoot(ssh: Connection, host: string, ask: Ask): Promise<Elevation> {
  const who = (await ssh.run('id', ['-un'], { timeoutSeconds: 60 })).stdout.trim()
  // What programs print is read here: it must not be in the host's language.
  const env = ['env', 'LC_ALL=C']
  if (who === 'root') return { words: env, input: '' }
  // -k: what sudo remembers of an earlier time must not decide whether it reads the password.
  const sudo = [...env, 'sudo', '-k']
  const attempt = (words: readonly string[], input = '') =>
    ssh.run(words[0]!, [...words.slice(1), '--', 'true'], { input, timeoutSeconds: 60 })

  const silent = [...sudo, '-n']
  const first = await attempt(silent)
  if (first.code === 0) return { words: [...silent, '--'], input: '' }
  if (first.code === 127)
    throw new Failure(
      'permission',
      `${who} on ${host} is not root, and there is no sudo; log in as root, or install sudo there.`,
    )
  const asking = [...sudo, '-S', '-p', '']
  const input = `${await ask(`Password of ${who} on ${host}, for sudo: `)}\n`
  const second = await attempt(asking, input)
  if (second.code === 0) return { words: [...asking, '--'], input }
  const why = second.stderr.trim().split('\n').at(-1)
  throw new Failure(
    'permission',
    `sudo on ${host} refuses ${who}: ${why}; try again, or have ${who} allowed there.`,
  )
}

/**
 * Sees to it that the host has this very kernelswap: another one may know other options, and print other documents.
 * @throws Failure 'refused' where it is missing or another.
 */
export async function requireSameVersion(host: Pick<RemoteHost, 'name' | 'run'>): Promise<void> {
  const ended = await host.run('kernelswap', ['--version'], { timeoutSeconds: 60 })
  const theirs = ended.stdout.trim()
  const remedy = `\`kernelswap --host ${host.name} --install status\` copies this one there`
  if (ended.code === 127 || (ended.code !== 0 && /not found/.test(ended.stderr)))
    throw new Failure('refused', `kernelswap is not installed on ${host.name}; ${remedy}.`)
  if (ended.code !== 0)
    throw new Failure(
      'failed',
      `kernelswap on ${host.name} doesn't start: ${ended.stderr.trim() || `exit code ${ended.code}`}.`,
    )
  if (theirs === version) return
  throw new Failure('refused', `${host.name} has kernelswap ${theirs}, and this is ${version}; ${remedy}.`)
}

/** A failure to connect, told as one sentence; what is one already stays as it is. */
export function unreachable(host: string, error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('failed', `${host} can't be reached: ${messageOf(error)}; see that it is up.`, {
    cause: error,
  })
}
