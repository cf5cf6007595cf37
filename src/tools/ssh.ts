import { homedir } from 'node:os'
import { run } from '../host/local.ts'

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
  /** Paths of private keys; many don't exist. */
  readonly identityFiles: readonly string[]
  /** Of the agent's keys, use those of `identityFiles` alone. */
  readonly identitiesOnly: boolean
  /** Path of the agent's socket. */
  readonly agent: string | undefined
  /** Hosts to go through, the first one first. */
  readonly proxyJump: readonly string[]
  readonly proxyCommand: string | undefined
  readonly knownHostsFiles: readonly string[]
  /** The name to look for in known_hosts. */
  readonly knownAs: string
}

/** `Match exec` in the configuration may run programs. */
const LIMIT_SECONDS = 60

/**
 * Asks OpenSSH's own client what its configuration says of a destination (`ssh -G`).
 * @param configFile read instead of ~/.ssh/config and /etc/ssh/ssh_config (`ssh -F`)
 * @throws ProgramError if there is no `ssh`, or it refuses the destination or a line of its configuration.
 */
export async function resolveDestination(
  destination: Destination,
  configFile: string | undefined,
): Promise<ClientConfiguration> {
  const { name, user, port } = destination
  const ended = await run(
    'ssh',
    [
      ...['-G', ...(configFile === undefined ? [] : ['-F', configFile])],
      ...(user === undefined ? [] : ['-l', user]),
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...['--', name],
    ],
    { timeoutSeconds: LIMIT_SECONDS },
  )
  return parseConfiguration(ended.stdout, name, process.env)
}

/** Parses what `ssh -G` prints: a keyword in lower case and its value on each line. */
export function parseConfiguration(
  text: string,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): ClientConfiguration {
  const lines = text.split('\n').map((line) => /^(\S+) (.*)$/.exec(line))
  const all = (keyword: string) => lines.flatMap((line) => (line?.[1] === keyword ? [line[2]!] : []))
  const one = (keyword: string) => all(keyword).find((value) => value !== 'none')
  const [hostName, user, port] = [one('hostname') ?? name, one('user') ?? '', Number(one('port') ?? 22)]
  const tokens = { h: hostName, n: name, p: String(port), r: user, d: homedir(), '%': '%' }
  const paths = (keyword: string) => (one(keyword)?.split(' ') ?? []).map((path) => expand(path, tokens))
  return {
    ...{ hostName, port, user },
    identityFiles: all('identityfile')
      .filter((path) => path !== 'none')
      .map((path) => expand(path, tokens)),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent: agentSocket(all('identityagent')[0], environment, tokens),
    proxyJump: one('proxyjump')?.split(',') ?? [],
    proxyCommand: one('proxycommand'),
    knownHostsFiles: [...paths('userknownhostsfile'), ...paths('globalknownhostsfile')],
    knownAs: one('hostkeyalias') ?? (port === 22 ? hostName : `[${hostName}]:${port}`),
  }
}

/** `none`, `SSH_AUTH_SOCK` (the default), the name of another variable, or a path (ssh_config(5), IdentityAgent). */
function agentSocket(
  setting: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  tokens: Readonly<Record<string, string>>,
): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return environment.SSH_AUTH_SOCK || undefined
  if (setting === 'none') return undefined
  return setting.startsWith('$') ? environment[setting.slice(1)] : expand(setting, tokens)
}

/** `ssh -G` prints `~` and tokens (ssh_config(5), TOKENS) as they stand in the configuration. */
function expand(path: string, tokens: Readonly<Record<string, string>>): string {
  return path
    .replace(/^~(?=\/)/, homedir())
    .replace(/%(.)/g, (written, letter: string) => tokens[letter] ?? written)
}
