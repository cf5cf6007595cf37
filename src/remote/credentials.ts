import { Failure } from '../errors.ts'
import {
  agentCredential,
  keyCredential,
  type PrivateKey,
  passwordCredential,
  publicKeyOf,
  readPrivateKey,
} from '../host/ssh-credentials.ts'
import type { Credential } from '../host/ssh-login.ts'
import { readRegularFile } from '../regular-file.ts'
import type { ClientConfiguration } from '../tools/ssh.ts'

/** Asks whoever started us for a secret. @throws Failure 'permission' where there is nobody to ask. */
export type Ask = (prompt: string) => Promise<string>

/** Asks for each thing once, however often we connect: a jump takes another connection. */
export function askOnce(ask: Ask): Ask {
  const answers = new Map<string, Promise<string>>()
  return (prompt) => {
    const answer = answers.get(prompt) ?? ask(prompt)
    answers.set(prompt, answer)
    return answer
  }
}

/**
 * What OpenSSH would offer a server, in its order: the agent's keys, key files, a password (ssh(1), AUTHENTICATION), as far
 * as its configuration allows them.
 */
export async function credentialsFor(configuration: ClientConfiguration, ask: Ask): Promise<Credential[]> {
  const { user, hostName, identityFiles, agent, authentications, batchMode } = configuration
  const policy = { algorithms: configuration.algorithms.publicKey, leastRsaBits: configuration.leastRsaBits }
  const only = configuration.identitiesOnly ? await publicKeys(identityFiles) : undefined
  const askFor = batchMode ? undefined : ask
  const all = [
    ...(agent === undefined ? [] : [agentCredential(user, agent, policy, only)]),
    ...identityFiles.map((file) => keyCredential(user, () => readIdentity(file, askFor), policy)),
    ...(askFor ? [passwordCredential(user, () => askFor(`Password of ${user}@${hostName}: `))] : []),
  ]
  return authentications.flatMap((name) => all.filter(({ type }) => type === name))
}

/** The longest keys (RSA, 16384 bits) have 13 KB. */
const mostBytes = 1 << 20

/** Undefined where there is no such file, or nothing that we can use. */
async function readIdentity(file: string, ask: Ask | undefined): Promise<PrivateKey | undefined> {
  const content = await readRegularFile(file, mostBytes).catch(() => undefined)
  if (!content) return undefined
  const plain = await readPrivateKey(content)
  if (plain.kind === 'key') return plain.key
  if (plain.kind !== 'encrypted' || !ask) return undefined
  const opened = await readPrivateKey(content, await ask(`Passphrase of ${file}: `))
  if (opened.kind === 'key') return opened.key
  throw new Failure('permission', `That is not the passphrase of ${file}; try again, or use ssh-agent.`)
}

/** Of private keys and of public ones: OpenSSH takes either for a key that the agent has (ssh_config(5), IdentityFile). */
async function publicKeys(files: readonly string[]): Promise<Buffer[]> {
  const names = files.flatMap((file) => [`${file}.pub`, file])
  const contents = await Promise.all(
    names.map((name) => readRegularFile(name, mostBytes).catch(() => undefined)),
  )
  const keys = await Promise.all(contents.map((content) => content && publicKeyOf(content)))
  return keys.filter((key) => key !== undefined)
}
