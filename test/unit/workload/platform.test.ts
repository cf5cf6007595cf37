import { describe, expect, test } from 'vitest'
import { isPlatform } from '../../../src/workload/platform.ts'
import { fixture } from '../fixture.ts'

test('of what runs on a stock machine the four services are left', () => {
  const running = fixture('systemd/running')
    .split('\n')
    .flatMap((line) => line.split(/\s+/)[0] || [])
  expect(running.filter((unit) => !isPlatform(unit))).toEqual([
    'memcached.service',
    'nginx.service',
    'postgresql@17-main.service',
    'redis-server.service',
  ])
})

/** Carrying these would fight with what the new boot starts itself, or cut the operator off. */
describe('platform', () => {
  test.each([
    ...['systemd-journald', 'systemd-timesyncd', 'dbus', 'dbus-broker', 'getty@tty1', 'serial-getty@ttyS0'],
    ...['user@1000', 'user-runtime-dir@0', 'ssh', 'sshd', 'ssh@3-10.0.0.1:22-10.0.0.2:4000', 'polkit'],
    ...['NetworkManager', 'wpa_supplicant', 'ifup@eth0', 'chrony', 'lvm2-monitor', 'docker', 'containerd'],
    ...['lxc-net', 'unattended-upgrades', 'kernelswap-settle', 'kernelswap-swap'],
  ])('%s', (name) => {
    expect(isPlatform(`${name}.service`)).toBe(true)
  })
})

describe('not platform, though the name begins alike', () => {
  test.each([
    'dbus-app',
    'sshuttle',
    'sshguard',
    'systemd',
    'user',
    'networking-app',
    'ntpd-exporter',
    'dockerize',
  ])('%s', (name) => {
    expect(isPlatform(`${name}.service`)).toBe(false)
  })
})
