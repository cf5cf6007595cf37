import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const checkout = new URL('../../..', import.meta.url).pathname
const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0
const place = mkdtempSync(join(tmpdir(), 'kernelswap-package-'))

/** A checkout of our own, with something small where a build puts its results. */
beforeAll(() => {
  const copied = ['CHANGELOG.md', 'Vagrantfile', 'hooks', 'images', 'packaging', 'scripts']
  writeFileSync(join(place, 'package.json'), '{"name": "kernelswap", "version": "0.0.1"}')
  for (const name of [...copied, 'src/landing'])
    cpSync(join(checkout, name), join(place, name), { recursive: true })
  mkdirSync(join(place, 'dist/manual/schemas'), { recursive: true })
  const manual = [
    '50-kernelswap.toml',
    'kernelswap.bash',
    '_kernelswap',
    'kernelswap.fish',
    'kernelswap.8',
    'schemas/plan-1.json',
    'tasks.pl',
  ]
  for (const name of ['kernelswap.js', 'kernelswap-PART.mjs', ...manual.map((name) => `manual/${name}`)])
    writeFileSync(join(place, 'dist', name), '')
})
afterAll(() => rmSync(place, { recursive: true }))

test.runIf(hasDpkg).each(['077', '000'])(
  'what a package holds is for everybody to read and for root to write, built under umask %s',
  (umask) => {
    const built = execFileSync('sh', ['-c', `umask ${umask} && sh "$0"`, join(place, 'scripts/package')], {
      encoding: 'utf8',
    })
    const listed = execFileSync('dpkg-deb', ['--contents', join(place, built.trim())], { encoding: 'utf8' })
    expect(listed).toMatch(/ \.\/usr\/lib\/systemd\/system\/kernelswap-land\.service$/m)
    expect(listed).toMatch(/ \.\/usr\/lib\/kernelswap\/kernelswap-PART\.mjs$/m)
    expect(listed).toMatch(/ \.\/usr\/share\/kernelswap\/schemas\/plan-1\.json$/m)
    const modes = new Set(listed.split('\n').flatMap((line) => line.slice(0, 10) || []))
    expect([...modes].sort()).toEqual(['-rw-r--r--', '-rwxr-xr-x', 'drwxr-xr-x', 'lrwxrwxrwx'])
  },
  60_000,
)
