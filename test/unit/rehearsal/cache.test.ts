import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cachedFolder, keepLastUsed, withHalfMade } from '../../../src/rehearsal/cache.ts'
import { hashOfFolder } from '../../../src/rehearsal/recipe.ts'

let parent = ''
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kernelswap-cache-'))
})
afterEach(() => rm(parent, { recursive: true }))

const writer = (text: string) => (folder: string) => writeFile(join(folder, 'file'), text)

test('a folder is made once, and private', async () => {
  const folder = await cachedFolder(parent, 'a', writer('first'))
  expect(await cachedFolder(parent, 'a', writer('second'))).toBe(folder)
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('first')
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})

test('one that could not be made leaves nothing behind', async () => {
  const failing = cachedFolder(parent, 'a', async () => {
    throw new Error('no space')
  })
  await expect(failing).rejects.toThrow('no space')
  expect(await readdir(parent)).toEqual([])
})

test('of two makers at once one wins, and both get the same', async () => {
  const folders = await Promise.all([
    cachedFolder(parent, 'a', writer('one')),
    cachedFolder(parent, 'a', writer('other')),
  ])
  expect(new Set(folders).size).toBe(1)
  expect(await readdir(parent)).toEqual(['a'])
})

test('what a killed maker left is removed after hours, not before', async () => {
  await mkdir(join(parent, '.making-old'))
  await mkdir(join(parent, '.making-new'))
  const yesterday = Date.now() / 1000 - 24 * 3600
  await utimes(join(parent, '.making-old'), yesterday, yesterday)
  await cachedFolder(parent, 'a', writer(''))
  expect((await readdir(parent)).sort()).toEqual(['.making-new', 'a'])
})

test('what takes its maker hours is not taken for abandoned', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    await withHalfMade(parent, async (folder) => {
      const yesterday = Date.now() / 1000 - 24 * 3600
      await utimes(folder, yesterday, yesterday)
      vi.advanceTimersByTime(60_000)
      await expect.poll(async () => (await stat(folder)).mtimeMs).toBeGreaterThan(yesterday * 1000 + 1000)
      await cachedFolder(parent, 'a', writer(''))
      expect(await readdir(folder)).toEqual([])
    })
  } finally {
    vi.useRealTimers()
  }
  expect(await readdir(parent)).toEqual(['a'])
})

test('the folders used last are kept', async () => {
  for (const [name, age] of [
    ['a', 30],
    ['b', 10],
    ['c', 20],
  ] as const) {
    await mkdir(join(parent, name))
    const then = Date.now() / 1000 - age
    await utimes(join(parent, name), then, then)
  }
  await keepLastUsed(parent, 2)
  expect((await readdir(parent)).sort()).toEqual(['b', 'c'])
})

test('a recipe changes its hash with a name, a content or a mode', async () => {
  const hashes = new Set<string>()
  const note = async () => hashes.add(await hashOfFolder(parent))
  await writeFile(join(parent, 'build'), 'x')
  await note()
  await note()
  await writeFile(join(parent, 'build'), 'y')
  await note()
  await mkdir(join(parent, 'files'))
  await writeFile(join(parent, 'files', 'f'), '')
  await note()
  await rm(join(parent, 'build'))
  await writeFile(join(parent, 'build'), 'y', { mode: 0o755 })
  await note()
  expect(hashes.size).toBe(4)
})
