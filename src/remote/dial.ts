import { Failure, messageOf } from '../errors.ts'
import { shellCommand } from '../host/quote.ts'
import type { Connection } from '../host/ssh-connection.ts'
import { type Login, logIn, openSocket, supported } from '../host/ssh-login.ts'
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

/**
 * @param jumps hosts to go through; what isn't told is the configuration's business
 * @param towards what is reached through this one, for a way that leads back to where it has been
 */
async function dialThrough(
  jumps: readonly string[] | undefined,
  destination: Destination,
  options: DialOptions,
  towards: readonly string[] = [],
): Promise<Connection> {
  const configuration = await configurationOf(destination, options.configFile)
  const way = jumps ?? configuration.proxyJump
  const { hostName, port, user } = configuration
  if (way.length === 0) {
    const login = await loginFor(configuration, destination, options)
    const { family, bindAddress: localAddress } = configuration
    const from = { family, ...(localAddress === undefined ? {} : { localAddress }) }
    return logIn(await openSocket(hostName, port, CONNECT_SECONDS, from), login)
  }
  const here = `${user}@${hostName}:${port}`
  refuseCircle(destination.name, here, towards)
  // The last of them is the one that reaches the host, and is itself reached through those before it.
  const before = way.slice(0, -1)
  const jump = await dialThrough(
    before.length === 0 ? undefined : before,
    parseDestination(way.at(-1)!.replace(/^ssh:\/\//, '')),
    options,
    [...towards, here],
  )
  try {
    const login = await loginFor(configuration, destination, options)
    const socket = await jump.forward(hostName, port)
    socket.once('close', () => jump.close())
    return await logIn(socket, login)
  } catch (error) {
    jump.close()
    throw error
  }
}

/** A name that changes with every step (`ProxyJump x%h`) goes round without coming back. */
const MOST_JUMPS = 16

function refuseCircle(name: string, here: string, towards: readonly string[]): void {
  if (!towards.includes(here) && towards.length < MOST_JUMPS) return
  throw new Failure(
    'configuration',
    `The way to ${towards[0]} leads in a circle: ${name} is reached through itself (ProxyJump in OpenSSH's configuration); take one of them out.`,
  )
}

/** Where there is something better than to leave an option out. */
const remedies: Readonly<Record<string, string>> = {
  proxycommand: 'use ProxyJump instead',
  knownhostscommand: 'put the keys that it prints into known_hosts',
  checkhostip: 'leave it off, known_hosts is asked for the name',
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
  const [first] = configuration.unsupported
  if (!first) return configuration
  throw new Failure(
    'configuration',
    `${destination.name} has \`${first.keyword} ${first.value}\` in OpenSSH's configuration, which is not supported here and may be there for a reason; ${remedies[first.keyword] ?? 'take it out for this host, such as in a file for --ssh-config'}.`,
  )
}

/** Made before the connection is: while it is open, somebody has to listen to it. */
async function loginFor(
  configuration: ClientConfiguration,
  destination: Destination,
  options: DialOptions,
): Promise<Login> {
  const { hostName: host, user: username, knownAs: name, knownHostsFiles, algorithms } = configuration
  const { revokedHostKeys, leastRsaBits } = configuration
  const known = await findKnownKeys(name, knownHostsFiles)
  const command = commandFor(destination, options.configFile)
  const both = (option: string, allowed: readonly string[], ours: readonly string[]) =>
    inCommon(destination, option, allowed, ours)
  return {
    host,
    username,
    hostKeyAlgorithms: both(
      'HostKeyAlgorithms',
      algorithms.hostKey,
      hostKeyAlgorithms(known, algorithms.hostKey),
    ),
    algorithms: {
      kex: both('KexAlgorithms', algorithms.kex, supported.kex),
      cipher: both('Ciphers', algorithms.ciphers, supported.cipher),
      hmac: both('MACs', algorithms.macs, supported.hmac),
    },
    judge: (shown) => judgeHostKey(shown, { name, known, command, revokedHostKeys, leastRsaBits }),
    credentials: await credentialsFor(configuration, options.ask),
    refusal: () =>
      new Failure(
        'permission',
        `${host} lets ${username} in with none of the keys and passwords at hand; \`${command}\` shows what OpenSSH makes of it.`,
      ),
  }
}

/** What the configuration allows of what there is here, in our order: others than those are never negotiated. */
function inCommon(
  { name }: Destination,
  option: string,
  allowed: readonly string[],
  ours: readonly string[],
): string[] {
  const common = ours.filter((algorithm) => allowed.includes(algorithm))
  if (common.length > 0) return common
  throw new Failure(
    'configuration',
    `OpenSSH's configuration for ${name} allows no algorithm that there is here (${option} ${allowed.join(',')}); allow one more.`,
  )
}

function commandFor({ name, user, port }: Destination, configFile: string | undefined): string {
  return shellCommand([
    'ssh',
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    user === undefined ? name : `${user}@${name}`,
  ])
}
