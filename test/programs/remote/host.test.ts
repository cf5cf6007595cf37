import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Failure } from '../../../src/errors.ts'
import { ConnectionLost } from '../../../src/host/ssh-connection.ts'
import { type RemoteHost, remoteHost, requireSameVersion } from '../../../src/remote/host.ts'
import { version } from '../../../src/version.ts'
import { allowSudo, canServe, hangUp, hasSudo, operator, type Server, startServer } from './sshd.ts'

const serve = canServe()
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })
const folder = mkdtempSync(join(tmpdir(), 'kernelswap-host-'))
const knownHosts = join(folder, 'known_hosts')
const config = join(folder, 'config')
let server: Server
let gate: Server
let host: RemoteHost | undefined
/** What was asked for. */
let asked: string[] = []

function generateKey(name: string, passphrase = ''): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', join(folder, name)])
  return readFileSync(join(folder, `${name}.pub`), 'utf8')
}

beforeAll(async () => {
  if (!serve) return
  const keys = generateKey('key') + generateKey('locked', 'open sesame')
  generateKey('stranger')
  server = await startServer(keys)
  gate = await startServer(keys)
})
afterAll(async () => {
  await server?.stop()
  await gate?.stop()
  rmSync(folder, { recursive: true })
})

beforeEach(() => {
  if (!serve) return
  asked = []
  writeFileSync(
    knownHosts,
    `[127.0.0.1]:${server.port} ${server.hostKey}\n[127.0.0.1]:${gate.port} ${gate.hostKey}\n`,
  )
  configure()
})
afterEach(() => host?.close())

/** Writes OpenSSH's configuration: `web` is the server, `gate` the other one. */
function configure(key = 'key', ...lines: readonly string[]): void {
  const common = [
    ...['HostName 127.0.0.1', 'User root', `IdentityFile ${join(folder, key)}`, 'IdentityAgent none'],
    ...[`UserKnownHostsFile ${knownHosts}`, 'GlobalKnownHostsFile none'],
  ]
  const text = [
    'Host gate',
    `Port ${gate.port}`,
    'Host web',
    ...lines,
    `Port ${server.port}`,
    'Host *',
    ...common,
  ]
  writeFileSync(config, `${text.join('\n')}\n`)
}

function open(name = 'web', ...answers: readonly string[]): RemoteHost {
  const left = [...answers]
  const ask = async (prompt: string) => {
    asked.push(prompt)
    const answer = left.shift()
    if (answer === undefined) throw new Failure('permission', 'There is no terminal.')
    return answer
  }
  host = remoteHost({ name }, { configFile: config, ask })
  return host
}

const whoami = async (to: RemoteHost) => (await to.run('id', ['-un'])).stdout.trim()

describe.runIf(serve)('a host whose key is known', () => {
  test("is reached as OpenSSH's configuration says, and programs run with their arguments, input and exit code", async () => {
    const web = open()
    expect(await whoami(web)).toBe('root')
    const ended = await web.run('sh', ['-c', 'cat; echo "$1" >&2; exit 7', '-', "it's"], { input: 'text' })
    expect(ended).toEqual({ code: 7, stdout: 'text', stderr: "it's\n" })
    expect(asked).toEqual([])
  })

  test('answers in no language but ours', async () => {
    expect((await open().run('sh', ['-c', 'echo $LC_ALL'])).stdout).toBe('C\n')
  })

  test('is known by a hashed name too', async () => {
    execFileSync('ssh-keygen', ['-H', '-f', knownHosts], { stdio: 'ignore' })
    expect(readFileSync(knownHosts, 'utf8')).toMatch(/^\|1\|/)
    expect(await whoami(open())).toBe('root')
  })

  test('is reached through another one, whose key is checked as well', async () => {
    configure('key', 'ProxyJump gate')
    expect(await whoami(open())).toBe('root')
    expect(gate.log()).toContain('Accepted publickey for root')
    host?.close()
    writeFileSync(knownHosts, `[127.0.0.1]:${server.port} ${server.hostKey}\n`)
    await expect(whoami(open())).rejects.toMatchObject({
      kind: 'mismatch',
      message: expect.stringContaining(`[127.0.0.1]:${gate.port}`),
    })
  })

  test('is connected to again where the connection was lost', async () => {
    const web = open()
    await expect(web.run('sh', ['-c', hangUp])).rejects.toThrow(ConnectionLost)
    expect(await whoami(web)).toBe('root')
  })

  test('gets files', async () => {
    const web = open()
    writeFileSync(join(folder, 'file'), 'content')
    await web.putFile(join(folder, 'file'), join(server.folder, 'copy'), 0o600)
    expect(readFileSync(join(server.folder, 'copy'), 'utf8')).toBe('content')
    expect(statSync(join(server.folder, 'copy')).mode & 0o777).toBe(0o600)
    // These servers have no SFTP.
    await expect(web.putFile(join(folder, 'file'), '/nowhere/copy', 0o600)).rejects.toThrow('/nowhere/copy')
    await expect(web.putFile(join(folder, 'missing'), join(server.folder, 'copy'), 0o600)).rejects.toThrow(
      'ENOENT',
    )
  })
})

describe.runIf(serve)('a host that may be another', () => {
  const nothingSent = (from: number) =>
    expect(server.log().slice(from)).not.toMatch(/Accepted|Failed|authenticating user/)

  test('is refused where its key is unknown', async () => {
    const from = server.log().length
    writeFileSync(knownHosts, '')
    await expect(whoami(open())).rejects.toMatchObject({
      kind: 'mismatch',
      message: expect.stringMatching(/SHA256:/),
    })
    nothingSent(from)
  })

  test('is refused where its key is another, whatever OpenSSH was told to do then', async () => {
    writeFileSync(knownHosts, `[127.0.0.1]:${server.port} ${gate.hostKey}\n`)
    for (const setting of ['StrictHostKeyChecking no', 'NoHostAuthenticationForLocalhost yes']) {
      configure('key', setting)
      const from = server.log().length
      await expect(whoami(open())).rejects.toMatchObject({
        kind: 'mismatch',
        message: expect.stringContaining('somebody may be in between'),
      })
      nothingSent(from)
    }
  })

  test('is refused where RevokedHostKeys lists its key, though known_hosts has it', async () => {
    const from = server.log().length
    const list = join(folder, 'revoked')
    writeFileSync(list, `${server.hostKey}\n`)
    configure('key', `RevokedHostKeys ${list}`)
    await expect(whoami(open())).rejects.toMatchObject({
      kind: 'mismatch',
      message: expect.stringContaining(`${list} revokes`),
    })
    rmSync(list)
    await expect(whoami(open())).rejects.toMatchObject({ kind: 'configuration' })
    nothingSent(from)
    writeFileSync(list, `${gate.hostKey}\n`)
    expect(await whoami(open())).toBe('root')
  })

  test('is refused where a certificate authority alone speaks for it', async () => {
    writeFileSync(knownHosts, `@cert-authority [127.0.0.1]:${server.port} ${gate.hostKey}\n`)
    await expect(whoami(open())).rejects.toThrow('certificates are not supported here')
  })

  test.each([
    ['HostKeyAlgorithms ecdsa-sha2-nistp256', 'no matching host key'],
    ['HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com', 'allows no algorithm that there is here'],
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com', 'KexAlgorithms sntrup761'],
    ['Ciphers 3des-cbc', 'Ciphers 3des-cbc'],
    ['Ciphers aes256-ctr\nMACs umac-64@openssh.com', 'MACs umac-64'],
    ['KnownHostsCommand /bin/true', 'put the keys that it prints into known_hosts'],
    ['CheckHostIP yes', 'which is not supported here'],
    ['ProxyCommand nc %h %p', 'use ProxyJump instead'],
    ['BindInterface lo', '`bindinterface lo`'],
    ['UserKnownHostsFile relative', 'no whole path'],
  ])('is refused where the configuration narrows whom to trust, or may: %s', async (lines, complaint) => {
    const from = server.log().length
    configure('key', ...lines.split('\n'))
    await expect(whoami(open())).rejects.toThrow(complaint)
    nothingSent(from)
  })

  test('is reached by what the configuration still allows', async () => {
    const file = join(folder, 'known_hosts.web')
    writeFileSync(file, readFileSync(knownHosts))
    writeFileSync(knownHosts, '')
    configure(
      'key',
      ...[
        'HostKeyAlgorithms ssh-ed25519',
        'KexAlgorithms ecdh-sha2-nistp384',
        'Ciphers aes192-ctr',
        'MACs hmac-sha2-512',
      ],
      ...['AddressFamily inet', 'BindAddress 127.0.0.1', `UserKnownHostsFile ${knownHosts}.%k`],
      ...['PubkeyAcceptedAlgorithms ssh-ed25519', 'RequiredRSASize 4096'],
    )
    expect(await whoami(open())).toBe('root')
  })

  test.each([
    [['ProxyJump gate'], ['ProxyJump web']],
    [['ProxyJump gate'], ['ProxyJump gate']],
    [['ProxyJump gate,web'], []],
  ])('is refused where the way to it leads in a circle: %j, %j', async (web, through) => {
    configure('key', ...web)
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('Host gate', ['Host gate', ...through].join('\n')),
    )
    await expect(whoami(open())).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('leads in a circle'),
    })
  })

  test('is refused where its key is revoked', async () => {
    appendFileSync(knownHosts, `@revoked * ${server.hostKey}\n`)
    await expect(whoami(open())).rejects.toMatchObject({ message: expect.stringContaining('revokes') })
  })
})

describe.runIf(serve)('logging in', () => {
  test('an encrypted key asks for its passphrase once, however often we connect', async () => {
    configure('locked')
    const web = open('web', 'open sesame')
    expect(await whoami(web)).toBe('root')
    await expect(web.run('sh', ['-c', hangUp])).rejects.toThrow(ConnectionLost)
    expect(await whoami(web)).toBe('root')
    expect(asked).toEqual([`Passphrase of ${join(folder, 'locked')}: `])
  })

  test('a wrong passphrase, or nobody to ask', async () => {
    configure('locked')
    await expect(whoami(open('web', 'open barley'))).rejects.toMatchObject({
      kind: 'permission',
      message: expect.stringContaining('not the passphrase of'),
    })
    await expect(whoami(open())).rejects.toMatchObject({ kind: 'permission' })
  })

  test("an agent's keys are used, of which IdentitiesOnly picks", async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent')], { stdio: 'ignore' })
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: join(folder, 'agent') }
      const add = (key: string) =>
        execFileSync('sh', ['-c', `until ssh-add -q ${key} 2>&1; do sleep 0.1; done`], { cwd: folder, env })
      add('stranger')
      add('key')
      const lines = [`IdentityAgent ${join(folder, 'agent')}`]
      configure('none', ...lines)
      expect(await whoami(open())).toBe('root')
      host?.close()
      configure('stranger', ...lines, 'IdentitiesOnly yes')
      await expect(whoami(open('web', 'no'))).rejects.toMatchObject({ kind: 'permission' })
      writeFileSync(join(folder, 'alias.pub'), readFileSync(join(folder, 'key.pub')))
      configure('alias', ...lines, 'IdentitiesOnly yes')
      expect(await whoami(open())).toBe('root')
    } finally {
      agent.kill()
    }
  })

  test('IdentitiesOnly picks by public keys as well, and by what an encrypted key shows of itself', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent2')], { stdio: 'ignore' })
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: join(folder, 'agent2') }
      const askpass = join(folder, 'askpass')
      writeFileSync(askpass, '#!/bin/sh\necho open sesame\n', { mode: 0o755 })
      const add = (key: string) =>
        execFileSync('sh', ['-c', `until ssh-add -q ${key} 2>&1; do sleep 0.1; done < /dev/null`], {
          cwd: folder,
          env: { ...env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' },
        })
      add('locked')
      const lines = [`IdentityAgent ${join(folder, 'agent2')}`, 'IdentitiesOnly yes']
      const alone = join(folder, 'alone')
      writeFileSync(alone, readFileSync(join(folder, 'locked')), { mode: 0o600 })
      writeFileSync(join(folder, 'shown'), readFileSync(join(folder, 'locked.pub')))
      for (const key of ['shown', 'alone']) {
        configure(key, ...lines)
        expect(await whoami(open()), key).toBe('root')
        host?.close()
      }
      expect(asked).toEqual([])
      configure('shown', ...lines, 'PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256', 'BatchMode yes')
      await expect(whoami(open('web', 'no'))).rejects.toMatchObject({ kind: 'permission' })
    } finally {
      agent.kill()
    }
  })

  test.each([
    ['BatchMode yes', 'locked'],
    ['PasswordAuthentication no', 'stranger'],
    ['PreferredAuthentications publickey,keyboard-interactive', 'stranger'],
  ])('nobody is asked, and no password is sent, with %s', async (line, key) => {
    const from = server.log().length
    configure(key, line)
    await expect(whoami(open('web', 'secret'))).rejects.toThrow('lets root in with none')
    expect(asked).toEqual([])
    expect(server.log().slice(from)).not.toContain('Failed password')
  })

  test('no key is offered with PubkeyAuthentication no', async () => {
    configure('key', 'PubkeyAuthentication no')
    await expect(whoami(open('web', 'wrong'))).rejects.toMatchObject({ kind: 'permission' })
    expect(asked).toEqual(['Password of root@127.0.0.1: '])
  })

  test('a key that is refused, and a password that is wrong', async () => {
    configure('stranger', `User ${operator.name}`)
    await expect(whoami(open('web', 'wrong'))).rejects.toMatchObject({
      kind: 'permission',
      message: expect.stringContaining(`lets ${operator.name} in with none`),
    })
    expect(asked).toEqual([`Password of ${operator.name}@127.0.0.1: `])
  })

  test('a password that is right', async () => {
    configure('stranger', `User ${operator.name}`)
    const web = open('web', operator.password)
    expect((await web.runAsUser('id', ['-un'])).stdout.trim()).toBe(operator.name)
  })
})

describe.runIf(serve && hasSudo())('a user who is not root', () => {
  beforeEach(() => {
    allowSudo(server.folder, 'ALL=(ALL) ALL')
    configure('key', `User ${operator.name}`)
  })

  test('is asked for the password of sudo once; no program gets it as an argument', async () => {
    const web = open('web', operator.password)
    expect(await whoami(web)).toBe('root')
    // What follows the password on standard input is the program's.
    expect((await web.run('cat', [], { input: 'text' })).stdout).toBe('text')
    const processes = await web.run('sh', [
      '-c',
      'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr "\\0" " "',
    ])
    expect(processes.stdout).toContain('sudo -k -S -p')
    expect(processes.stdout).not.toContain(operator.password)
    expect(server.log()).not.toContain(operator.password)
    expect(asked).toEqual([`Password of ${operator.name} on web, for sudo: `])
  })

  test('is asked for nothing where sudo asks for nothing', async () => {
    allowSudo(server.folder, 'ALL=(ALL) NOPASSWD: ALL')
    expect(await whoami(open())).toBe('root')
    expect(asked).toEqual([])
  })

  test('with a wrong password, or one whom sudo does not know, is told', async () => {
    await expect(whoami(open('web', 'wrong'))).rejects.toMatchObject({
      kind: 'permission',
      message: expect.stringMatching(/sudo on web refuses kernelswap-operator: .*password/),
    })
    allowSudo(server.folder, '')
    await expect(whoami(open('web', operator.password))).rejects.toMatchObject({
      kind: 'permission',
      message: expect.stringContaining('not in the sudoers file'),
    })
  })

  test('is told where there is no sudo', async () => {
    writeFileSync(join(server.folder, 'bin/sudo'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
    try {
      await expect(whoami(open())).rejects.toMatchObject({
        message: expect.stringContaining('there is no sudo'),
      })
    } finally {
      rmSync(join(server.folder, 'bin/sudo'))
    }
  })
})

describe.runIf(serve)('kernelswap over there', () => {
  const program = () => join(server.folder, 'bin/kernelswap')

  test('that is missing is told, with what installs it', async () => {
    rmSync(program(), { force: true })
    await expect(requireSameVersion(open())).rejects.toMatchObject({
      kind: 'refused',
      message:
        'kernelswap is not installed on web; `kernelswap --host web --install status` copies this one there.',
    })
  })

  test('must be of the same version', async () => {
    writeFileSync(program(), '#!/bin/sh\necho 0.0.1\n', { mode: 0o755 })
    await expect(requireSameVersion(open())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`has kernelswap 0.0.1, and this is ${version}`),
    })
    writeFileSync(program(), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
    await requireSameVersion(open())
  })
})

test('a host that nobody answers for is told so', async () => {
  writeFileSync(config, `Host web\nHostName 127.0.0.1\nPort 1\nUserKnownHostsFile ${knownHosts}\n`)
  await expect(open().runAsUser('true', [])).rejects.toThrow('ECONNREFUSED')
})
