import { expect, test } from 'vitest'
import { parseConffiles, parseOwners, parsePackages, parseStatus } from '../../../src/tools/dpkg.ts'
import { fixture } from '../fixture.ts'

test('installed packages are told with version and architecture', () => {
  const packages = parsePackages(fixture('dpkg/packages'))
  expect(packages).toHaveLength(246)
  expect(packages).toContainEqual({ name: 'criu', version: '4.2.1-1', architecture: 'amd64' })
  expect(packages.find(({ name }) => name === 'libc6')?.version).toBe('2.41-12+deb13u5')
})

test('what is removed but for its configuration is no package, nor what no package may be called', () => {
  const lines = [
    'rc \tgone\t1\tall',
    'ii \tfine\t1\tall',
    'ii \tPin: x\t1\tall',
    'ii \todd\t1 2\tall',
    'hi \theld\t1\tall',
  ]
  expect(parsePackages(`${lines.join('\n')}\n`).map(({ name }) => name)).toEqual(['fine', 'held'])
})

test("dpkg's own file tells the same", () => {
  const packages = parseStatus(fixture('dpkg/status'))
  expect(packages.map(({ name }) => name).sort()).toEqual([
    'adduser',
    'criu',
    'debconf',
    'nginx-light',
    'python3-minimal',
  ])
  expect(packages).toContainEqual({ name: 'criu', version: '4.2.1-1', architecture: 'amd64' })
})

test('a path has its owners, all of them where it is a folder, whatever their architecture', () => {
  const owners = parseOwners(fixture('dpkg/owners'))
  expect(owners.get('/usr/lib/systemd/system/nginx.service')).toEqual(['nginx-common'])
  expect(owners.get('/etc')).toContain('libc6')
  expect(owners.get('/etc/default')).toContain('redis-server')
  expect(owners.get('/etc/nginx/conf.d')).toEqual(['nginx-common'])
  expect(owners.has('/usr/local/bin/pausing')).toBe(false)
})

test('who diverts a path does not own it', () => {
  const text = 'diversion by dash from: /bin/sh\ndiversion by dash to: /bin/sh.distrib\ndash: /bin/sh\n'
  expect([...parseOwners(text)]).toEqual([['/bin/sh', ['dash']]])
})

test('configuration files are told by their paths', () => {
  const conffiles = parseConffiles(fixture('dpkg/conffiles'))
  expect(conffiles).toHaveLength(24)
  expect(conffiles).toContain('/etc/redis/redis.conf')
})

test('a configuration file that the package no longer has is none', () => {
  const sum = '0'.repeat(32)
  expect(parseConffiles(` /etc/a ${sum}\n /etc/b ${sum} obsolete\n /etc/c newconffile\n`)).toEqual([
    '/etc/a',
    '/etc/c',
  ])
})
