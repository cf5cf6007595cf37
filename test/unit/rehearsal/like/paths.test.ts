import { describe, expect, test } from 'vitest'
import {
  isKeptBack,
  isLocalUnitFile,
  isPlain,
  isReplaceable,
  isWithin,
  outermost,
} from '../../../../src/rehearsal/like/paths.ts'

describe('a path of the host counts only if it means the same to everybody', () => {
  test.each(['/etc/app.conf', '/srv/my data'])('%j does', (path) => {
    expect(isPlain(path)).toBe(true)
  })

  test.each([
    '',
    '/',
    'etc/app',
    '../etc',
    '/etc/../root',
    '/etc//app',
    '/etc/./app',
    '/etc/app/',
    '/etc/a\nb',
    '/etc/a\0b',
  ])('%j does not', (path) => {
    expect(isPlain(path)).toBe(false)
  })
})

test('who the host is, and who may log in, is kept back, and nothing that only begins alike', () => {
  const kept = [
    '/etc/machine-id',
    '/etc/ssh/ssh_host_ed25519_key',
    '/etc/shadow',
    '/var/lib/kernelswap/swaps',
    '/proc',
    ...['/home/ann/.ssh', '/srv/git/.ssh/authorized_keys', '/var/backups/shadow.bak', '/var/backups/gshadow'],
  ]
  expect(kept.filter((path) => !isKeptBack(path))).toEqual([])
  expect(
    ['/etc/sshd', '/etc/passwdqc.conf', '/etc', '/var/lib', '/srv/.sshd', '/var/backups/app'].filter(
      isKeptBack,
    ),
  ).toEqual([])
})

test('a directory is replaced only if the machine has nothing of its own there', () => {
  const own = ['/etc', '/var', '/var/lib', '/root', '/usr/lib', '/etc/systemd/system', '/etc/ssh']
  expect(own.filter(isReplaceable)).toEqual([])
  expect(['/etc/nginx', '/srv', '/var/lib/app'].filter((path) => !isReplaceable(path))).toEqual([])
})

test('a path is within a folder by its parts, not by its letters', () => {
  expect(isWithin('/etc/app/x', '/etc/app')).toBe(true)
  expect(isWithin('/etc/app', '/etc/app/x')).toBe(false)
  expect(isWithin('/etc/application', '/etc/app')).toBe(false)
})

test('what lies below another path is copied with it, and once', () => {
  expect(outermost(['/etc/app', '/etc/app/x', '/etc/b', '/etc/b', '/etc/application'])).toEqual([
    ...['/etc/app', '/etc/b', '/etc/application'],
  ])
})

test("the administrator's unit files are told from those of packages and of this boot", () => {
  expect(isLocalUnitFile('/etc/systemd/system/app.service.d/a.conf')).toBe(true)
  expect(isLocalUnitFile('/usr/lib/systemd/system/app.service')).toBe(false)
  expect(isLocalUnitFile('/run/systemd/generator/app.service')).toBe(false)
})
