import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cksum } from '../../../src/tools/checksum.ts'
import { standIns } from '../programs.ts'

const directory = mkdtempSync(join(tmpdir(), 'kernelswap-checksum-'))
afterAll(() => rmSync(directory, { recursive: true }))

const names = Array.from({ length: 40 }, (_, index) => `file ${index}`)
for (const name of names) writeFileSync(join(directory, name), name.repeat(10))
const lineOf = (name: string) => execFileSync('/usr/bin/cksum', [name], { cwd: directory, encoding: 'utf8' })

/** Two programs for each of a hundred units took longer to start than to count. */
test('many who ask at once share a few programs, and each gets the lines of its own files', async () => {
  const programs = standIns({ cksum: 'exec /usr/bin/cksum "$@"' })
  try {
    const told = await Promise.all(names.map((name) => cksum(directory, [name, names[0]!])))
    expect(told).toEqual(names.map((name) => lineOf(name) + lineOf(names[0]!)))
    expect(programs.started().length).toBeLessThan(names.length / 2)
  } finally {
    programs.remove()
  }
})

test('a file that is not there is the failure of who asked for it alone', async () => {
  const wanted = [...names.slice(0, 5), 'gone', ...names.slice(5, 10)]
  const told = await Promise.allSettled(wanted.map((name) => cksum(directory, [name])))
  expect(told.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(told[5]).toMatchObject({
    status: 'rejected',
    reason: expect.objectContaining({ message: expect.stringContaining('gone') }),
  })
})

test('nothing asked is nothing told', async () => {
  expect(await cksum(directory, [])).toBe('')
})
