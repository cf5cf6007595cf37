import { chmod, chown, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { looseness, refuseLoose, refuseLooseIn } from '../../src/ownership.ts'

const isRoot = process.getuid?.() === 0
let place: string
let file: string
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ownership-'))
  file = join(place, 'a/b/file')
  await mkdir(join(place, 'a/b'), { recursive: true, mode: 0o755 })
  await writeFile(file, '', { mode: 0o644 })
})
afterEach(() => rm(place, { recursive: true }))

test('what only root could change is fine, also below /tmp, where nobody can replace it', () => {
  expect(looseness(file)).toBeUndefined()
  refuseLooseIn(place)
})

test.each(['a/b/file', 'a/b', 'a'])('others that may write %s could change what is read', async (part) => {
  for (const mode of [0o775, 0o757, 0o777]) {
    await chmod(join(place, part), mode)
    expect(looseness(file)).toBe(`${join(place, part)} can be written by others than root; chmod go-w it`)
  }
})

test('the sticky bit keeps names from being replaced, but makes no place whose names are gone by', async () => {
  await chmod(join(place, 'a/b'), 0o1777)
  expect(looseness(file)).toBeUndefined()
  expect(looseness(join(place, 'a/b'))).toMatch(/can be written/)
})

test('every place that a link leads through counts', async () => {
  await mkdir(join(place, 'loose'))
  await symlink('../a/b', join(place, 'loose/on'))
  await symlink('loose/on/file', join(place, 'link'))
  expect(looseness(join(place, 'link'))).toBeUndefined()
  await chmod(join(place, 'loose'), 0o777)
  expect(looseness(join(place, 'link'))).toBe(
    `${place}/loose can be written by others than root; chmod go-w it`,
  )
  await symlink(join(place, 'circle'), join(place, 'circle'))
  expect(looseness(join(place, 'circle'))).toBeUndefined()
})

test('where nothing is yet, the way there counts', async () => {
  expect(looseness(join(place, 'a/none/at/all'))).toBeUndefined()
  await chmod(join(place, 'a'), 0o777)
  expect(looseness(join(place, 'a/none/at/all'))).toMatch(/a can be written/)
})

test('in a directory everything counts', async () => {
  refuseLooseIn(join(place, 'none'))
  await chmod(file, 0o666)
  expect(() => refuseLooseIn(join(place, 'a/b'))).toThrow(/a\/b\/file can be written/)
  expect(() => refuseLoose(file)).toThrow(expect.objectContaining({ kind: 'configuration' }))
})

describe.runIf(isRoot)('of another user', () => {
  test.each(['a/b/file', 'a/b', 'a'])('%s', async (part) => {
    await chown(join(place, part), 1000, 0)
    expect(looseness(file)).toMatch(new RegExp(`${part} belongs to user 1000, and must belong to root`))
  })

  test('a link, even in a directory where all may make names', async () => {
    await chmod(join(place, 'a'), 0o1777)
    await symlink('b/file', join(place, 'a/link'))
    expect(looseness(join(place, 'a/link'))).toBeUndefined()
    await lchown(join(place, 'a/link'), 1000, 0)
    expect(looseness(join(place, 'a/link'))).toMatch(/link belongs to user 1000/)
  })
})
