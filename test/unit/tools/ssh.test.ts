import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configurationOf, resolveDestination } from '../../../src/tools/ssh.ts'
import { parseOptions, unsupportedOptions } from '../../../src/tools/ssh-options.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernelswap-ssh-config-'))
const file = join(folder, 'config')
afterAll(() => rmSync(folder, { recursive: true }))

test("OpenSSH's configuration is OpenSSH's to read", async () => {
  writeFileSync(
    file,
    [
      ...['Host web*', '  HostName %h.example.org', '  Port 2222', '  User admin'],
      ...['  IdentityFile ~/.ssh/web', '  IdentityFile /keys/%r-%h', '  IdentitiesOnly yes'],
      ...['  UserKnownHostsFile /known/a ~/known/b', '  GlobalKnownHostsFile none'],
      ...['  ProxyJump me@gate:22,inner', '  IdentityAgent /run/agent'],
    ].join('\n'),
  )
  expect(await resolveDestination({ name: 'web1' }, file)).toEqual({
    hostName: 'web1.example.org',
    port: 2222,
    user: 'admin',
    family: 0,
    bindAddress: undefined,
    authentications: ['publickey', 'password'],
    batchMode: false,
    revokedHostKeys: undefined,
    leastRsaBits: expect.any(Number),
    unsupported: [],
    algorithms: {
      hostKey: expect.arrayContaining(['ssh-ed25519', 'rsa-sha2-512']),
      kex: expect.arrayContaining(['curve25519-sha256']),
      ciphers: expect.arrayContaining(['aes256-ctr']),
      macs: expect.arrayContaining(['hmac-sha2-256']),
      publicKey: expect.arrayContaining(['ssh-ed25519']),
    },
    identityFiles: [join(homedir(), '.ssh/web'), '/keys/admin-web1.example.org'],
    identitiesOnly: true,
    agent: '/run/agent',
    proxyJump: ['me@gate:22', 'inner'],
    knownHostsFiles: ['/known/a', join(homedir(), 'known/b')],
    knownAs: '[web1.example.org]:2222',
  })
})

test('what is said on the command line is stronger', async () => {
  const { user, port } = await resolveDestination({ name: 'web1', user: 'other', port: 22 }, file)
  expect({ user, port }).toEqual({ user: 'other', port: 22 })
})

test('a line that OpenSSH refuses is told', async () => {
  writeFileSync(join(folder, 'bad'), 'NoSuchThing yes\n')
  await expect(resolveDestination({ name: 'web1' }, join(folder, 'bad'))).rejects.toThrow(
    'bad configuration options',
  )
})

test.each([
  ['', '/run/theirs'],
  ['identityagent none', undefined],
  ['identityagent SSH_AUTH_SOCK', '/run/theirs'],
  ['identityagent $OTHER', '/run/other'],
  ['identityagent ~/agent', join(homedir(), 'agent')],
])('with "%s" the agent is %s', (line, agent) => {
  const environment = { SSH_AUTH_SOCK: '/run/theirs', OTHER: '/run/other' }
  expect(parse(`hostname x\n${line}\n`, 'x', environment).agent).toBe(agent)
})

test('known_hosts may know it by another name', () => {
  expect(parse('hostname 10.0.0.1\nport 2222\nhostkeyalias web1\n', 'web').knownAs).toBe('web1')
})

function parse(text: string, name: string, environment: Record<string, string> = {}) {
  return configurationOf(parseOptions(text), new Map(), name, environment)
}

test('tokens and variables in the names of files are those of ssh_config(5), %k included', () => {
  const text = `hostname h\nport 22\nuser u\nuserknownhostsfile /k/%k /n/%n/%h ~/.ssh/$\{PLACE}\n`
  const files = parse(text, 'web', { PLACE: 'x' }).knownHostsFiles
  expect(files).toEqual(['/k/web', '/n/web/h', join(homedir(), '.ssh/x')])
  expect(parse(`${text}hostkeyalias other\n`, 'web', { PLACE: 'x' }).knownHostsFiles[0]).toBe('/k/other')
})

/** A file that isn't read may be the one that revokes a key. */
test.each(['/k/%C', `/k/$\{NOBODY}`, '~nobody/x', '/k/my hosts', 'relative', '/k/%'])(
  'a known_hosts file that cannot be made out is no file that is not there: %s',
  (path) => {
    expect(() => parse(`hostname h\nuserknownhostsfile ${path}\n`, 'web')).toThrow()
  },
)

test.each([
  ['', ['publickey', 'password']],
  [
    'preferredauthentications password,keyboard-interactive,publickey',
    ['password', 'keyboard-interactive', 'publickey'],
  ],
  ['passwordauthentication no', ['publickey']],
  ['pubkeyauthentication false', ['password']],
  ['pubkeyauthentication unbound', ['publickey', 'password']],
])('with "%s" what is tried is %j', (line, tried) => {
  expect(parse(`hostname h\n${line}\n`, 'web').authentications).toEqual(tried)
})

describe('every option is read, of no matter, or refused', () => {
  const printed = (...args: string[]) =>
    parseOptions(execFileSync('ssh', ['-G', ...args, 'web1'], { encoding: 'utf8' }))

  /** One that a new OpenSSH brings is refused where it is set, and is to be put into the table. */
  test('none that this OpenSSH has by default is left over', () => {
    expect(unsupportedOptions(printed('-F', 'none'), new Map())).toEqual([
      { keyword: 'checkhostip', value: expect.any(String) },
    ])
  })

  test.each([
    ['CheckHostIP=yes', 'checkhostip'],
    ['KnownHostsCommand=/bin/true', 'knownhostscommand'],
    ['ProxyCommand=nc %h %p', 'proxycommand'],
    ['BindInterface=eth0', 'bindinterface'],
  ])('%s is refused', (option, keyword) => {
    const found = unsupportedOptions(printed('-F', 'none', '-o', option), printed('-F', 'none'))
    expect(found.map((one) => one.keyword)).toEqual([keyword])
  })

  test.each([
    'CheckHostIP=no',
    'KnownHostsCommand=none',
    'ServerAliveInterval=5',
    'StrictHostKeyChecking=no',
    'ForwardAgent=yes',
  ])('%s is not', (option) => {
    expect(unsupportedOptions(printed('-F', 'none', '-o', option), printed('-F', 'none'))).toEqual([])
  })

  test('one that nobody knows yet is refused, unless it is as OpenSSH has it', () => {
    const defaults = parseOptions('trustnobody no\n')
    expect(unsupportedOptions(parseOptions('trustnobody no\n'), defaults)).toEqual([])
    expect(unsupportedOptions(parseOptions('trustnobody yes\n'), defaults)).toEqual([
      { keyword: 'trustnobody', value: 'yes' },
    ])
    expect(unsupportedOptions(parseOptions('trustonly a\ntrustonly b\n'), defaults)).toHaveLength(1)
  })
})
