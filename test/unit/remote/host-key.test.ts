import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostKeyAlgorithms, judgeHostKey } from '../../../src/remote/host-key.ts'
import { findKnownKeys } from '../../../src/tools/ssh-keygen.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernelswap-keys-'))
const file = join(folder, 'known_hosts')
const name = '[web1]:2222'

function generate(type: string, label: string): string {
  const path = join(folder, label)
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path])
  const [kind, blob] = readFileSync(`${path}.pub`, 'utf8').split(' ')
  return `${kind} ${blob}`
}

let ed25519 = ''
let otherEd25519 = ''
let ecdsa = ''
beforeAll(() => {
  ed25519 = generate('ed25519', 'ed25519')
  otherEd25519 = generate('ed25519', 'other')
  ecdsa = generate('ecdsa', 'ecdsa')
})
afterAll(() => rmSync(folder, { recursive: true }))

const blob = (key: string) => Buffer.from(key.split(' ')[1]!, 'base64')

/** What is said of the key that a host shows, with these lines in known_hosts. */
async function judge(
  shown: string,
  lines: readonly string[],
  { hashed = false, ...more }: { hashed?: boolean; revokedHostKeys?: string; leastRsaBits?: number } = {},
) {
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  if (hashed) execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
  const known = await findKnownKeys(name, [join(folder, 'missing'), file])
  return judgeHostKey(blob(shown), { name, known, command: 'ssh -p 2222 web1', ...more })
}

describe('accepted', () => {
  test('a key that known_hosts has, as a name, hashed, in a list, as a pattern', async () => {
    expect(await judge(ed25519, [`${name} ${ed25519}`])).toBeUndefined()
    expect(await judge(ed25519, [`${name} ${ed25519}`], { hashed: true })).toBeUndefined()
    expect(await judge(ed25519, [`elsewhere,${name} ${ed25519} a comment`])).toBeUndefined()
    expect(await judge(ed25519, [`[web*]:2222 ${ed25519}`])).toBeUndefined()
  })

  test('one of several keys of the host, of the same type too', async () => {
    const lines = [`${name} ${ecdsa}`, `${name} ${otherEd25519}`, `${name} ${ed25519}`]
    for (const hashed of [false, true]) expect(await judge(ed25519, lines, { hashed })).toBeUndefined()
  })
})

describe('refused', () => {
  test('an unknown key, with its fingerprint as OpenSSH prints it and how to accept it', async () => {
    const printed = execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'ed25519.pub')], {
      encoding: 'utf8',
    })
    const failure = await judge(ed25519, [`[web2]:2222 ${ed25519}`, `web1 ${ed25519}`])
    expect(failure).toMatchObject({
      kind: 'mismatch',
      message: expect.stringContaining(printed.split(' ')[1]!),
    })
    expect(failure?.message).toContain('accept it with `ssh -p 2222 web1`')
  })

  test('a changed key, plain and hashed, with both fingerprints and how to forget the old one', async () => {
    for (const hashed of [false, true]) {
      const failure = await judge(ed25519, [`${name} ${otherEd25519}`], { hashed })
      expect(failure?.message.match(/SHA256:\S{43}/g)).toHaveLength(2)
      expect(failure?.message).toContain(`ssh-keygen -R '${name}' -f ${file}`)
    }
  })

  test('a key of another type than the known one: it is not the one that was checked', async () => {
    expect((await judge(ed25519, [`${name} ${ecdsa}`]))?.message).toContain("known_hosts doesn't have")
  })

  test('a revoked key, though another line accepts it', async () => {
    const lines = [`${name} ${ed25519}`, `@revoked * ${ed25519}`]
    expect((await judge(ed25519, lines))?.message).toContain('revokes')
    expect(await judge(ecdsa, [...lines, `${name} ${ecdsa}`])).toBeUndefined()
  })

  test('a name that is negated, a line of a certificate authority, a line that is damaged', async () => {
    for (const line of [
      `[web*]:2222,!${name} ${ed25519}`,
      `@cert-authority ${name} ${ed25519}`,
      `${name} ssh-ed25519`,
    ])
      expect(await judge(ed25519, [line]), line).toMatchObject({ kind: 'mismatch' })
  })

  test('a host that a certificate authority alone speaks for, with what to do', async () => {
    const authority = `@cert-authority ${name} ${otherEd25519}`
    const failure = await judge(ed25519, [authority])
    expect(failure?.message).toContain('certificates are not supported here')
    expect(await judge(ed25519, [authority, `${name} ${ed25519}`])).toBeUndefined()
  })

  test('a key that RevokedHostKeys lists, as text and as a list of OpenSSH, though known_hosts has it', async () => {
    const lines = [`${name} ${ed25519}`, `${name} ${ecdsa}`]
    const revokedHostKeys = join(folder, 'revoked')
    const revoke = async () => [
      (await judge(ed25519, lines, { revokedHostKeys }))?.message,
      await judge(ecdsa, lines, { revokedHostKeys }),
    ]
    writeFileSync(revokedHostKeys, `# gone\n\n${otherEd25519} x\n  ${ed25519} a comment\n`)
    expect(await revoke()).toEqual([expect.stringContaining(`which ${revokedHostKeys} revokes`), undefined])
    const keys = ['ed25519', 'other'].map((label) => join(folder, `${label}.pub`))
    execFileSync('ssh-keygen', ['-q', '-k', '-f', revokedHostKeys, ...keys])
    expect(await revoke()).toEqual([expect.stringContaining(`which ${revokedHostKeys} revokes`), undefined])
  })

  test('every key, where what RevokedHostKeys names cannot be read, has no key on a line, or is damaged', async () => {
    const lines = [`${name} ${ed25519}`]
    const revokedHostKeys = join(folder, 'damaged')
    const failure = () => judge(ed25519, lines, { revokedHostKeys })
    await expect(failure()).rejects.toMatchObject({ kind: 'configuration' })
    for (const content of ['no key\n', `${ecdsa}\nssh-ed25519 AAAA\n`, 'SSHKRL\n\0damaged']) {
      writeFileSync(revokedHostKeys, content)
      await expect(failure(), content).rejects.toMatchObject({ kind: 'configuration' })
    }
  })

  test('an RSA key that is shorter than RequiredRSASize', async () => {
    const rsa = generate('rsa', 'rsa')
    const lines = [`${name} ${rsa}`]
    expect(await judge(rsa, lines, { leastRsaBits: 3072 })).toBeUndefined()
    expect((await judge(rsa, lines, { leastRsaBits: 3073 }))?.message).toContain('3072 bits')
    expect(await judge(ed25519, [`${name} ${ed25519}`], { leastRsaBits: 4096 })).toBeUndefined()
  })
})

const everything = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']

test('a host with several keys is asked for one that is known', async () => {
  writeFileSync(file, `${name} ${ecdsa}\n@revoked ${name} ${ed25519}\n`)
  const algorithms = hostKeyAlgorithms(await findKnownKeys(name, [file]), everything)
  expect(algorithms[0]).toBe('ecdsa-sha2-nistp256')
  expect(algorithms).toContain('ssh-ed25519')
  expect(algorithms).not.toContain('ssh-rsa')
})

test('no algorithm is offered that the configuration leaves out', async () => {
  writeFileSync(file, `${name} ${ecdsa}\n`)
  expect(hostKeyAlgorithms(await findKnownKeys(name, [file]), ['ssh-ed25519', 'rsa-sha2-256'])).toEqual([
    'ssh-ed25519',
    'rsa-sha2-256',
  ])
})
