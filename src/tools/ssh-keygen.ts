import { existsSync } from 'node:fs'
import { attempt, ProgramError } from '../host/local.ts'

/** A line of known_hosts that speaks of a host. */
export interface KnownKey {
  /** A `revoked` key must never be accepted, whatever other lines say. */
  readonly marker: 'none' | 'revoked' | 'cert-authority'
  /** Such as `ssh-ed25519`. */
  readonly type: string
  readonly key: Buffer
  /** The file that says so. */
  readonly file: string
}

/**
 * What files in the form of known_hosts say of a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): `ssh-keygen -F` knows
 * patterns and hashed names. Files that don't exist say nothing.
 * @param name as known_hosts has it: `[name]:port` for other ports than 22
 * @throws ProgramError where a file can't be read.
 */
export async function findKnownKeys(name: string, files: readonly string[]): Promise<KnownKey[]> {
  const found = await Promise.all(files.filter((file) => existsSync(file)).map((file) => findIn(file, name)))
  return found.flat()
}

async function findIn(file: string, name: string): Promise<KnownKey[]> {
  const args = ['-F', name, '-f', file]
  const ended = await attempt('ssh-keygen', args, { timeoutSeconds: 60 })
  // 1 with no complaint: the file doesn't name the host.
  if (ended.code !== 0 && (ended.code !== 1 || ended.stderr !== '')) {
    throw new ProgramError('ssh-keygen', args, ended, `exit code ${ended.code}`)
  }
  return parseKnownKeys(ended.stdout, file)
}

/** Parses lines of known_hosts. What can't be read says nothing: nobody is trusted for it. */
export function parseKnownKeys(text: string, file: string): KnownKey[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(?:@(revoked|cert-authority)\s+)?[^\s#@]\S*\s+(\S+)\s+([A-Za-z0-9+/=]+)(?:\s|$)/.exec(
      line,
    )
    if (!match) return []
    const marker = (match[1] ?? 'none') as KnownKey['marker']
    return [{ marker, type: match[2]!, key: Buffer.from(match[3]!, 'base64'), file }]
  })
}
