import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readRegularFile } from '../../src/regular-file.ts'

const place = mkdtempSync(join(tmpdir(), 'kernelswap-regular-'))
const server = createServer().listen(join(place, 'socket'))
afterAll(() => {
  server.close()
  rmSync(place, { recursive: true })
})
execFileSync('mkfifo', [join(place, 'pipe')])
writeFileSync(join(place, 'file'), 'x'.repeat(100_000))

test('a file is read whole, up to its last byte that may be', async () => {
  expect(await readRegularFile(join(place, 'file'), 100_000)).toHaveLength(100_000)
  expect((await readRegularFile('/proc/self/status', 100_000)).toString()).toMatch(/^Name:/)
})

/** Whoever mistypes a name gets a sentence, not a program that stands still or takes all memory. */
test.each([
  ['pipe', 'it is a pipe, not a regular file'],
  ['socket', 'it is a socket, not a regular file'],
  ['.', 'it is a directory, not a regular file'],
  ['/dev/zero', 'it is a device, not a regular file'],
  ['file', 'it is larger than 64 KiB'],
  ['/proc/kallsyms', 'it is larger than 64 KiB'],
  ['gone', /^ENOENT/],
])('%s is refused', async (name, message) => {
  const path = name.startsWith('/') ? name : join(place, name)
  await expect(readRegularFile(path, 1 << 16)).rejects.toThrow(message)
})
