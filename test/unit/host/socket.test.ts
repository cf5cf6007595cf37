import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { connectLocally, readRequest, serveInTurn } from '../../../src/host/socket.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernelswap-socket-'))
const path = join(folder, 'socket')
afterAll(() => rmSync(folder, { recursive: true }))

test('one after the other is served, until what is waited for has come, and the socket is gone', async () => {
  // Left behind by somebody who was killed.
  writeFileSync(path, '')
  const heard: string[] = []
  const served = serveInTurn(
    path,
    async (socket) => {
      heard.push(await readRequest(socket))
      socket.end('answer')
      return heard.at(-1) === 'last' ? 'done' : undefined
    },
    10,
  )
  for (const question of ['first', 'last']) expect(await ask(question)).toBe('answer')
  expect(await served).toBe('done')
  expect(heard).toEqual(['first', 'last'])
  expect(existsSync(path)).toBe(false)
  await expect(connectLocally(path)).rejects.toThrow('ENOENT')
})

test('whoever comes ends the one before, who may be stuck', async () => {
  const served = serveInTurn(path, async (socket) => (await readRequest(socket)) || undefined, 10)
  const stuck = await connect()
  const ended = new Promise((resolve) => stuck.once('end', resolve).resume())
  const next = await connect()
  await ended
  next.end('here')
  expect(await served).toBe('here')
})

test('nobody is waited for longer than told, at first or later', async () => {
  await expect(serveInTurn(path, () => Promise.resolve(undefined), 0.1)).rejects.toThrow('nobody connected')
  const served = serveInTurn(path, () => Promise.reject(new Error('its stream broke')), 0.5)
  const told = expect(served).rejects.toThrow('its stream broke')
  await connect()
  await told
  expect(existsSync(path)).toBe(false)
})

async function connect() {
  let socket: Socket | undefined
  await expect.poll(async () => (socket = await connectLocally(path))).toBeTruthy()
  socket!.on('error', () => {})
  return socket!
}

async function ask(question: string): Promise<string> {
  const socket = await connect()
  socket.end(question)
  return text(socket)
}
