import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type Connection as ServerSide } from 'ssh2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProgramError } from '../../../src/host/local.ts'
import { connect, connectPatiently, type SshTarget } from '../../../src/host/ssh.ts'
import { ConnectionLost } from '../../../src/host/ssh-connection.ts'

const ourKey = ssh2.utils.generateKeyPairSync('ed25519')
const serverKey = ssh2.utils.generateKeyPairSync('ed25519')
const folder = mkdtempSync(join(tmpdir(), 'kernelswap-ssh-'))
const peers: ServerSide[] = []
let target: SshTarget

/** What the server does with a command that a client sends. */
const commands: Record<string, (channel: ssh2.ServerChannel, peer: ServerSide) => void> = {
  "greet 'a b'": (channel) => {
    channel.write('one\ntwo\n')
    channel.stderr.write('careful\n')
    channel.exit(3)
    channel.end()
  },
  cat: (channel) => {
    channel.on('data', (data: Buffer) => channel.write(data))
    channel.on('end', () => {
      channel.exit(0)
      channel.end()
    })
  },
  vanish: (_, peer) => peer.end(),
  crash: (channel) => {
    channel.exit('KILL', false)
    channel.end()
  },
}

const server = new ssh2.Server({ hostKeys: [serverKey.private] }, (peer) => {
  peers.push(peer)
  peer.on('error', () => {})
  peer.on('authentication', (login) => (login.username === 'root' ? login.accept() : login.reject()))
  peer.on('session', (accept) => {
    accept().on('exec', (acceptExec, _, { command }) => commands[command]?.(acceptExec(), peer))
  })
})

beforeAll(async () => {
  const privateKey = join(folder, 'key')
  writeFileSync(privateKey, ourKey.private)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  target = { host: '127.0.0.1', port, username: 'root', privateKey, hostKey: serverKey.public }
})

afterAll(() => {
  for (const peer of peers) peer.end()
  server.close()
  rmSync(folder, { recursive: true })
})

test('a program runs with quoted arguments, and ends as it ended', async () => {
  const connection = await connect(target)
  const lines: string[] = []
  const ended = await connection.run('greet', ['a b'], { onStdoutLine: (line) => lines.push(line) })
  expect(ended).toEqual({ code: 3, stdout: 'one\ntwo\n', stderr: 'careful\n' })
  expect(lines).toEqual(['one', 'two'])
  connection.close()
})

test('input reaches the program and ends', async () => {
  const connection = await connect(target)
  expect((await connection.run('cat', [], { input: 'text' })).stdout).toBe('text')
  connection.close()
})

test('a program that a signal ended is an error', async () => {
  const connection = await connect(target)
  await expect(connection.run('crash', [])).rejects.toThrow(ProgramError)
  await expect(connection.run('crash', [])).rejects.toThrow('ended by SIGKILL')
  connection.close()
})

test('another host key than the known one is refused, at once and in words', async () => {
  const hostKey = ssh2.utils.generateKeyPairSync('ed25519').public
  await expect(connectPatiently({ ...target, hostKey }, { timeoutSeconds: 60 })).rejects.toMatchObject({
    kind: 'mismatch',
    message: expect.stringContaining('another host key'),
  })
})

test('a refused user is told, and not tried again', async () => {
  const stranger = connectPatiently({ ...target, username: 'stranger' }, { timeoutSeconds: 60 })
  await expect(stranger).rejects.toMatchObject({ kind: 'permission' })
})

test('what runs when the connection breaks, and what comes after it, is told so', async () => {
  const connection = await connect(target)
  await expect(connection.run('vanish', [])).rejects.toThrow(ConnectionLost)
  expect(connection.open).toBe(false)
  await expect(connection.run('greet', [])).rejects.toThrow(ConnectionLost)
})

test('a server that never answers is given up in time', async () => {
  const nobody = { ...target, port: 1 }
  await expect(connectPatiently(nobody, { timeoutSeconds: 0.3 })).rejects.toThrow('did not answer SSH')
})
