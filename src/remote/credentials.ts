import { Failure } from '../errors.ts'
import {
  agentCredential,
  keyCredential,
  type PrivateKey,
  passwordCredential,
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

/** What OpenSSH would offer a server, in its order: the agent's keys, key files, a password (ssh(1), AUTHENTICATION). */
export async function credentialsFor(configuration: ClientConfiguration, ask: Ask): Promise<Credential[]> {
  const { user, hostName, identityFiles, identitiesOnly, agent } = configuration
  const only = identitiesOnly ? await publicKeys(identityFiles) : undefined
  return [
    ...(agent === undefined ? [] : [agentCredential(user, agent, only)]),
    ...identityFiles.map((file) => keyCredential(user, () => readIdentity(file, ask))),
    passwordCredential(user, () => ask(`Password of ${user}@${hostName}: `)),
  ]
}

/** The longest keys (RSA, 16384 bits) have 13 KB. */
const mostBytes = 1 << 20

/** Undefined where there is no such file, or nothing that we can use. */
async function readIdentity(file: string, ask: Ask): Promise<PrivateKey | undefined> {
  const content = await readRegularFile(file, mostBytes).catch(() => undefined)
  if (!content) return undefined
  const plain = await readPrivateKey(content)
  if (plain.kind === 'key') return plain.key
  if (plain.kind !== 'encrypted') return undefined
  const opened = await readPrivateKey(content, await ask(`Passphrase of ${file}: `))
  if (opened.kind === 'key') return opened.key
  throw new Failure('permission', `That is not the passphrase of ${file}; try again, or use ssh-agent.`)
}

async function publicKeys(files: readonly string[]): Promise<Buffer[]> {
  const texts = await Promise.all(
    files.map((file) => readRegularFile(`${file}.pub`, mostBytes).catch(() => '')),
  )
  return texts
    .map(String)
    .filter(Boolean)
    .map((text) => Buffer.from(text.split(' ')[1] ?? '', 'base64'))
}
