import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { acceptOne, connectLocally } from '../../../src/host/socket.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernelswap-socket-'))
const path = join(folder, 'socket')
afterAll(() => rmSync(folder, { recursive: true }))

test('the first who connects is heard, both ways, and the socket is gone', async () => {
  // Left behind by somebody who was killed.
  writeFileSync(path, '')
  const accepted = acceptOne(path, 10)
  await expect
    .poll(() => connectLocally(path).then((socket) => socket.end('question')), { timeout: 5000 })
    .toBeTruthy()
  const served = await accepted
  expect(await text(served)).toBe('question')
  served.end()
  expect(existsSync(path)).toBe(false)
  await expect(connectLocally(path)).rejects.toThrow('ENOENT')
})

test('nobody is waited for longer than told', async () => {
  await expect(acceptOne(path, 0.1)).rejects.toThrow('nobody connected')
  expect(existsSync(path)).toBe(false)
})
