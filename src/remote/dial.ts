import { Failure, messageOf } from '../errors.ts'
import { shellCommand } from '../host/quote.ts'
import type { Connection } from '../host/ssh-connection.ts'
import { type Login, logIn, openSocket } from '../host/ssh-login.ts'
import { type ClientConfiguration, type Destination, resolveDestination } from '../tools/ssh.ts'
import { findKnownKeys } from '../tools/ssh-keygen.ts'
import { type Ask, credentialsFor } from './credentials.ts'
import { parseDestination } from './destination.ts'
import { hostKeyAlgorithms, judgeHostKey } from './host-key.ts'

export interface DialOptions {
  /** Read instead of ~/.ssh/config. */
  readonly configFile?: string | undefined
  readonly ask: Ask
}

/** For a line that is slow, or a name that takes its time to be looked up. */
const CONNECT_SECONDS = 15

/**
 * Connects to a host as OpenSSH's configuration says: through other hosts if need be, each with its host key checked.
 * @throws Failure for a host key that isn't known, or credentials that are refused: trying again won't help.
 * @throws Error if it can't be reached.
 */
export async function dial(destination: Destination, options: DialOptions): Promise<Connection> {
  return dialThrough(undefined, destination, options)
}

/** @param jumps hosts to go through; what isn't told is the configuration's business */
async function dialThrough(
  jumps: readonly string[] | undefined,
  destination: Destination,
  options: DialOptions,
): Promise<Connection> {
  const configuration = await configurationOf(destination, options.configFile)
  const way = jumps ?? configuration.proxyJump
  if (way.length === 0) {
    const { hostName, port } = configuration
    const login = await loginFor(configuration, destination, options)
    return logIn(await openSocket(hostName, port, CONNECT_SECONDS), login)
  }
  // The last of them is the one that reaches the host, and is itself reached through those before it.
  const before = way.slice(0, -1)
  const jump = await dialThrough(
    before.length === 0 ? undefined : before,
    parseDestination(way.at(-1)!.replace(/^ssh:\/\//, '')),
    options,
  )
  try {
    const login = await loginFor(configuration, destination, options)
    const socket = await jump.forward(configuration.hostName, configuration.port)
    socket.once('close', () => jump.close())
    return await logIn(socket, login)
  } catch (error) {
    jump.close()
    throw error
  }
}

async function configurationOf(
  destination: Destination,
  configFile: string | undefined,
): Promise<ClientConfiguration> {
  const configuration = await resolveDestination(destination, configFile).catch((error: unknown) => {
    throw new Failure(
      'configuration',
      `OpenSSH's client can't tell how to reach ${destination.name}: ${messageOf(error)}; see that it is installed (openssh-client) and its configuration is right.`,
      { cause: error },
    )
  })
  if (configuration.proxyCommand === undefined) return configuration
  throw new Failure(
    'configuration',
    `${destination.name} has a ProxyCommand in OpenSSH's configuration, which is not supported; use ProxyJump instead.`,
  )
}

/** Made before the connection is: while it is open, somebody has to listen to it. */
async function loginFor(
  configuration: ClientConfiguration,
  destination: Destination,
  options: DialOptions,
): Promise<Login> {
  const { hostName: host, user: username, knownAs: name, knownHostsFiles } = configuration
  const known = await findKnownKeys(name, knownHostsFiles)
  const command = commandFor(destination, options.configFile)
  return {
    host,
    username,
    hostKeyAlgorithms: hostKeyAlgorithms(known),
    judge: (shown) => judgeHostKey(shown, { name, known, command }),
    credentials: await credentialsFor(configuration, options.ask),
    refusal: () =>
      new Failure(
        'permission',
        `${host} lets ${username} in with none of the keys and passwords at hand; \`${command}\` shows what OpenSSH makes of it.`,
      ),
  }
}

function commandFor({ name, user, port }: Destination, configFile: string | undefined): string {
  return shellCommand([
    'ssh',
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    user === undefined ? name : `${user}@${name}`,
  ])
}
