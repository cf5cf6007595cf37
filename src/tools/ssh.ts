import { homedir, hostname, userInfo } from 'node:os'
import { run } from '../host/local.ts'
import { type Options, parseOptions, type Unsupported, unsupportedOptions } from './ssh-options.ts'

/** Where to connect, before OpenSSH's configuration is asked. */
export interface Destination {
  /** A name that the configuration may know, or an address. */
  readonly name: string
  readonly user?: string
  readonly port?: number
}

/** What OpenSSH's client would use for a destination, as far as it is honoured here (ssh_config(5)). */
export interface ClientConfiguration {
  readonly hostName: string
  readonly port: number
  readonly user: string
  /** The family of addresses to connect by; 0 is any. */
  readonly family: 0 | 4 | 6
  /** The address to connect from. */
  readonly bindAddress: string | undefined
  /** Paths of private or public keys; many don't exist. */
  readonly identityFiles: readonly string[]
  /** Of the agent's keys, use those of `identityFiles` alone. */
  readonly identitiesOnly: boolean
  /** Path of the agent's socket. */
  readonly agent: string | undefined
  /** Ways to log in, in the order in which they are tried: `publickey`, `password` and others. */
  readonly authentications: readonly string[]
  /** Nobody is there to be asked for a secret. */
  readonly batchMode: boolean
  /** Hosts to go through, the first one first. */
  readonly proxyJump: readonly string[]
  readonly knownHostsFiles: readonly string[]
  /** A list of keys that no host is to be trusted for. */
  readonly revokedHostKeys: string | undefined
  /** The name to look for in known_hosts. */
  readonly knownAs: string
  readonly algorithms: {
    readonly hostKey: readonly string[]
    readonly kex: readonly string[]
    readonly ciphers: readonly string[]
    readonly macs: readonly string[]
    /** With which keys we may log in. */
    readonly publicKey: readonly string[]
  }
  /** Shorter RSA keys count for nothing, theirs and ours. */
  readonly leastRsaBits: number
  /** What narrows whom to trust, or may, and can't be honoured. */
  readonly unsupported: readonly Unsupported[]
}

/** `Match exec` in the configuration may run programs. */
const LIMIT_SECONDS = 60

/**
 * Asks OpenSSH's own client what its configuration says of a destination (`ssh -G`).
 * @param configFile read instead of ~/.ssh/config and /etc/ssh/ssh_config (`ssh -F`)
 * @throws ProgramError if there is no `ssh`, or it refuses the destination or a line of its configuration; Error for a path
 *   that can't be made out.
 */
export async function resolveDestination(
  destination: Destination,
  configFile: string | undefined,
): Promise<ClientConfiguration> {
  const { name, user, port } = destination
  const optionsOf = async (file: readonly string[]) => {
    const which = [
      ...(user === undefined ? [] : ['-l', user]),
      ...(port === undefined ? [] : ['-p', String(port)]),
    ]
    const ended = await run('ssh', ['-G', ...file, ...which, '--', name], { timeoutSeconds: LIMIT_SECONDS })
    return parseOptions(ended.stdout)
  }
  const options = await optionsOf(configFile === undefined ? [] : ['-F', configFile])
  return configurationOf(options, await optionsOf(['-F', 'none']), name, process.env)
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the options that are honoured, and finds those that can't be. */
export function configurationOf(
  options: Options,
  defaults: Options,
  name: string,
  environment: Environment,
): ClientConfiguration {
  const all = (keyword: string) => options.get(keyword) ?? []
  const one = (keyword: string) => all(keyword).find((value) => value !== 'none')
  const list = (keyword: string) => one(keyword)?.split(',') ?? []
  const [hostName, user, port] = [one('hostname') ?? name, one('user') ?? '', Number(one('port') ?? 22)]
  const alias = one('hostkeyalias')
  const expand = expander({ hostName, user, port, name, alias }, environment)
  return {
    ...{ hostName, port, user },
    family: ({ inet: 4, inet6: 6 } as const)[one('addressfamily') ?? ''] ?? 0,
    bindAddress: one('bindaddress'),
    identityFiles: all('identityfile')
      .filter((path) => path !== 'none')
      .map(expand),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent: agentSocket(all('identityagent')[0], environment, expand),
    authentications: authentications(
      one('preferredauthentications'),
      all('pubkeyauthentication'),
      all('passwordauthentication'),
    ),
    batchMode: one('batchmode') === 'yes',
    proxyJump: list('proxyjump'),
    knownHostsFiles: ['userknownhostsfile', 'globalknownhostsfile'].flatMap((keyword) =>
      files(one(keyword), expand),
    ),
    revokedHostKeys: all('revokedhostkeys')
      .filter((path) => path !== 'none')
      .map(expand)[0],
    knownAs: alias ?? (port === 22 ? hostName : `[${hostName}]:${port}`),
    algorithms: {
      hostKey: list('hostkeyalgorithms'),
      kex: list('kexalgorithms'),
      ciphers: list('ciphers'),
      macs: list('macs'),
      publicKey: list('pubkeyacceptedalgorithms'),
    },
    leastRsaBits: Number(one('requiredrsasize') ?? 0),
    unsupported: unsupportedOptions(options, defaults),
  }
}

/** OpenSSH prints `no` or `false`, and several words for what is another sort of yes. */
function authentications(
  preferred: string | undefined,
  publicKey: readonly string[],
  password: readonly string[],
): string[] {
  const isOff = (values: readonly string[]) => values.some((value) => ['no', 'false'].includes(value))
  const off = [...(isOff(publicKey) ? ['publickey'] : []), ...(isOff(password) ? ['password'] : [])]
  return (preferred?.split(',') ?? ['publickey', 'password']).filter((one) => !off.includes(one))
}

/** OpenSSH prints names with blanks between them; one that has a blank can't be told from two. */
function files(value: string | undefined, expand: (path: string) => string): string[] {
  const paths = (value?.split(' ') ?? []).map(expand)
  const odd = paths.find((path) => !path.startsWith('/'))
  if (odd !== undefined)
    throw new Error(`"${odd}" is no whole path of a known_hosts file, which must have no blank in it`)
  return paths
}

/** `none`, `SSH_AUTH_SOCK` (the default), the name of another variable, or a path (ssh_config(5), IdentityAgent). */
function agentSocket(
  setting: string | undefined,
  environment: Environment,
  expand: (path: string) => string,
): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return environment.SSH_AUTH_SOCK || undefined
  if (setting === 'none') return undefined
  return /^\$\w/.test(setting) ? environment[setting.slice(1)] : expand(setting)
}

interface Who {
  readonly hostName: string
  readonly user: string
  readonly port: number
  readonly name: string
  readonly alias: string | undefined
}

/**
 * `ssh -G` prints `~`, tokens and variables (ssh_config(5), TOKENS, ENVIRONMENT VARIABLES) as they stand in the
 * configuration.
 */
function expander(
  { hostName, user, port, name, alias }: Who,
  environment: Environment,
): (path: string) => string {
  const { username, uid } = userInfo()
  const tokens: Readonly<Record<string, string>> = {
    ...{ '%': '%', d: homedir(), h: hostName, i: String(uid), k: alias ?? name, l: hostname(), n: name },
    ...{ L: hostname().split('.')[0]!, p: String(port), r: user, u: username },
  }
  const must = (value: string | undefined, written: string, path: string) => {
    if (value === undefined) throw new Error(`${written} in "${path}" can't be made out`)
    return value
  }
  return (path) =>
    path
      .replace(/^~(?=[^/])/, (tilde) => must(undefined, tilde, path))
      .replace(/^~(?=\/)/, homedir())
      .replace(/\$\{(\w+)\}/g, (written, variable: string) => must(environment[variable], written, path))
      .replace(/%(.?)/g, (written, letter: string) => must(tokens[letter], written, path))
}
