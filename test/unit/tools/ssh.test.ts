import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseConfiguration, resolveDestination } from '../../../src/tools/ssh.ts'

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
    identityFiles: [join(homedir(), '.ssh/web'), '/keys/admin-web1.example.org'],
    identitiesOnly: true,
    agent: '/run/agent',
    proxyJump: ['me@gate:22', 'inner'],
    proxyCommand: undefined,
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
  expect(parseConfiguration(`hostname x\n${line}\n`, 'x', environment).agent).toBe(agent)
})

test('known_hosts may know it by another name', () => {
  expect(parseConfiguration('hostname 10.0.0.1\nport 2222\nhostkeyalias web1\n', 'web', {}).knownAs).toBe(
    'web1',
  )
})
