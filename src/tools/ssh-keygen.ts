import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, ProgramError } from '../host/local.ts'
import { typeOfKey } from '../host/ssh-key.ts'
import { readRegularFile } from '../regular-file.ts'

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

/** How a key revocation list begins; anything else is a list of public keys, a line each (sshd_config(5), RevokedKeys). */
const revocationListMagic = 'SSHKRL\n\0'
const mostRevokedBytes = 1 << 26

/**
 * Tells whether a key is in a file of revoked keys (ssh_config(5), RevokedHostKeys).
 * @throws Error where the file can't be read or has a line that is no key: OpenSSH connects to nobody then, either.
 */
export async function isRevoked(key: Buffer, file: string): Promise<boolean> {
  const content = await readRegularFile(file, mostRevokedBytes)
  if (content.subarray(0, revocationListMagic.length).toString('latin1') === revocationListMagic)
    return isInRevocationList(key, file)
  const lines = content.toString('utf8').split('\n')
  const listed = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  return listed.map((line) => parsePublicKey(line, file)).some((one) => one.equals(key))
}

async function isInRevocationList(key: Buffer, file: string): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'kernelswap-key-'))
  try {
    const shown = join(directory, 'key.pub')
    await writeFile(shown, `${typeOfKey(key)} ${key.toString('base64')}\n`)
    const args = ['-Q', '-f', file, shown]
    const ended = await attempt('ssh-keygen', args, { timeoutSeconds: 60 })
    if (ended.code === 1 && /: REVOKED$/m.test(ended.stdout)) return true
    if (ended.code === 0) return false
    throw new ProgramError('ssh-keygen', args, ended, `exit code ${ended.code}`)
  } finally {
    await rm(directory, { recursive: true })
  }
}

function parsePublicKey(line: string, file: string): Buffer {
  const [type, base64 = ''] = line.split(/\s+/)
  const key = Buffer.from(base64, 'base64')
  if (typeOfKey(key) === type) return key
  throw new Error(`${file} has a line that is no public key`)
}
