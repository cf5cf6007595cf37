import { mkdtempSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDirectory, writeDurably } from '../../src/durable.ts'

let place: string
const umask = process.umask()
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'durable-'))
})
afterEach(async () => {
  process.umask(umask)
  await rm(place, { recursive: true })
})
const modeOf = async (name: string) => (await stat(join(place, name))).mode & 0o7777

/** systemd and people read units, node_exporter reads metrics; nobody else reads plans. */
test.each([0o000, 0o022, 0o027, 0o077])('modes are as asked for under umask %o', async (mask) => {
  process.umask(mask)
  await writeDurably(join(place, 'unit'), '', 0o644)
  await writeDurably(join(place, 'plan'), '')
  await makeDirectory(join(place, 'a/b'), 0o755)
  process.umask(umask)
  expect(await Promise.all(['unit', 'plan', 'a', 'a/b'].map(modeOf))).toEqual([0o644, 0o600, 0o755, 0o755])
})

test('a directory that is there already stays as it is', async () => {
  await makeDirectory(join(place, 'a'), 0o700)
  await makeDirectory(join(place, 'a/b'), 0o755)
  await makeDirectory(join(place, 'a/b'), 0o700)
  expect(await Promise.all(['a', 'a/b'].map(modeOf))).toEqual([0o700, 0o755])
})
