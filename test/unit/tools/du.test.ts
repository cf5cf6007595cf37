import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { bytesBelow } from '../../../src/tools/du.ts'
import { standIns } from '../programs.ts'

const top = mkdtempSync(join(tmpdir(), 'kernelswap-du-'))
afterAll(() => rmSync(top, { recursive: true }))

test('each directory takes what its files take, in the order that was asked for; what is gone takes nothing', async () => {
  for (const [name, bytes] of [
    ['small', 1000],
    ['large', 1_000_000],
  ] as const) {
    mkdirSync(join(top, name, 'below'), { recursive: true })
    writeFileSync(join(top, name, 'below/image'), Buffer.alloc(bytes))
  }
  const [large, gone, small] = await bytesBelow(['large', 'gone', 'small'].map((name) => join(top, name)))
  expect(large).toBeGreaterThanOrEqual(1_000_000)
  expect(small).toBeLessThan(100_000)
  expect(small).toBeGreaterThanOrEqual(1000)
  expect(gone).toBe(0)
})

test('what could not be looked at is an error, not nothing', async () => {
  const programs = standIns({ du: 'echo "du: cannot read directory: Input/output error" >&2; exit 1' })
  try {
    await expect(bytesBelow([top])).rejects.toThrow('Input/output error')
  } finally {
    programs.remove()
  }
})
