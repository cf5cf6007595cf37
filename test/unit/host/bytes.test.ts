import { expect, test } from 'vitest'
import { ProgramError, runForBytes } from '../../../src/host/local.ts'

const limit = { timeoutSeconds: 60 }

test('bytes come as they are, a last line break as well', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 195, 10])
  expect(await runForBytes('cat', [], { ...limit, input: bytes })).toEqual(bytes)
  expect(await runForBytes('true', [], limit)).toEqual(Buffer.alloc(0))
})

test('a program that fails, or is not there, is an error with its own words', async () => {
  const failing = runForBytes('sh', ['-c', 'echo half; echo "it broke" >&2; exit 3'], limit)
  await expect(failing).rejects.toThrow('it broke')
  await expect(failing).rejects.toMatchObject({ ended: { code: 3 } })
  const missing = runForBytes('no-such-program', [], { ...limit, input: Buffer.from('x') })
  await expect(missing).rejects.toBeInstanceOf(ProgramError)
  await expect(missing).rejects.toMatchObject({ ended: { code: 127 } })
})

test('one that reads less than it is given is judged by how it ends', async () => {
  const input = Buffer.alloc(1024 * 1024)
  expect(await runForBytes('sh', ['-c', 'head -c 2'], { ...limit, input })).toHaveLength(2)
})
