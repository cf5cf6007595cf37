import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  hashOfLikeness,
  type Likeness,
  loadLikeness,
  saveLikeness,
  secretsOf,
} from '../../../../src/rehearsal/like/likeness.ts'

let place = ''
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'kernelswap-likeness-'))
})
afterEach(() => rm(place, { recursive: true }))

const likeness: Likeness = {
  schema: 'kernelswap.likeness/1',
  host: 'web',
  kernels: { running: '6.12.1', newest: null },
  packages: [{ name: 'app', version: '1', architecture: 'all' }],
  accounts: { users: [], groups: [] },
  units: [{ name: 'app.service', package: 'app' }],
  files: [
    { path: '/etc/app.conf', secret: false },
    { path: '/etc/app.key', secret: true },
  ],
  folders: [],
  obstacles: { host: [], units: [] },
  notes: [],
}

async function hash(content: string, of = likeness, packages = ['app_1_all.deb']): Promise<string> {
  const archive = join(place, 'files.tar')
  await writeFile(archive, content)
  return hashOfLikeness(of, packages, archive)
}

test('a host that has not changed makes the same copy, and any change of it another one', async () => {
  const first = await hash('files')
  expect(await hash('files')).toBe(first)
  expect(await hash('other files')).not.toBe(first)
  const updated = { ...likeness, packages: [{ name: 'app', version: '2', architecture: 'all' }] }
  expect(await hash('files', updated)).not.toBe(first)
  expect(await hash('files', likeness, ['app_2_all.deb'])).not.toBe(first)
  const full = {
    host: [{ code: 'disk-space' as const, reason: '3 MiB free', remedy: 'free some' }],
    units: [],
  }
  expect(await hash('files', { ...likeness, obstacles: full })).toBe(first)
})

test('what was read is read again as it was, and by us alone', async () => {
  await saveLikeness(likeness, place)
  expect(await loadLikeness(place)).toEqual(likeness)
  expect((await stat(join(place, 'likeness.json'))).mode & 0o777).toBe(0o600)
})

test('secrets are told by their paths', () => {
  expect(secretsOf(likeness)).toEqual(['/etc/app.key'])
})
