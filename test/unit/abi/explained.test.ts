import { describe, expect, test } from 'vitest'
import type { Facet } from '../../../src/abi/facet.ts'
import { fdFlags } from '../../../src/abi/facets/fd-flags.ts'
import { ipv6Options } from '../../../src/abi/facets/ipv6-options.ts'
import { mounts } from '../../../src/abi/facets/mounts.ts'
import { socketOptions } from '../../../src/abi/facets/socket-options.ts'
import { sockets } from '../../../src/abi/facets/sockets.ts'
import { udpQueues } from '../../../src/abi/facets/udp-queues.ts'
import { unixPeers } from '../../../src/abi/facets/unix-peers.ts'
import { unixQueues } from '../../../src/abi/facets/unix-queues.ts'
import { waitingContents } from '../../../src/abi/facets/waiting-contents.ts'
import { isInbox } from '../../../src/abi/sockets.ts'
import type { Setting } from '../../../src/abi/types.ts'
import type { SocketRow } from '../../../src/tools/ss.ts'

const held: Setting = { strict: true, sameKernel: true, elapsedSeconds: 9, heldSeconds: 0, tree: new Set() }
const compare = (facet: Facet, before: unknown, after: unknown) =>
  facet.compare(before as never, after as never, held).kind

describe('a flag of a descriptor', () => {
  // Of x86-64; O_RDWR, O_LARGEFILE, O_NOFOLLOW stay.
  test.runIf(process.arch === 'x64').each(['22300002', '2300002'])(
    'that says how to open, in %s, may be gone: nothing that is open depends on it',
    (flags) => expect(compare(fdFlags, { 6: flags }, { 6: '2100002' })).toBe('explained'),
  )

  test.each(['102000', '2102000', '100000'])('must be there otherwise: %s', (flags) => {
    expect(compare(fdFlags, { 6: '100002' }, { 6: flags })).toBe('differing')
  })
})

describe('a mount of a service', () => {
  const root = { '/': 'ext4 / rw' }

  test.each([
    ['/run/user/0', 'tmpfs / rw,nosuid,nodev'],
    ['/run/user/1000/doc', 'fuse.portal / rw'],
    ['/media/cdrom', 'iso9660 / ro'],
    ['/run/media/ada/stick', 'vfat / rw'],
    ['/run/credentials/other.service', 'ramfs / ro'],
  ])('that comes and goes by itself is explained: %s', (target, what) => {
    expect(compare(mounts, { ...root, [target]: what }, root)).toBe('explained')
    expect(compare(mounts, root, { ...root, [target]: what })).toBe('explained')
  })

  test('is explained where an automount mounts it as it is used', () => {
    const automount = { ...root, '/net': 'autofs / rw' }
    const used = { ...automount, '/net (layer 2)': 'nfs4 / rw', '/net/server/data': 'nfs4 /data rw' }
    expect(compare(mounts, used, automount)).toBe('explained')
    expect(compare(mounts, { ...root, '/net/server/data': 'nfs4 /data rw' }, root)).toBe('differing')
  })

  test.each(['/run/users', '/srv/media/films', '/run/user'])('must be there otherwise: %s', (target) => {
    expect(compare(mounts, { ...root, [target]: 'tmpfs / rw' }, root)).toBe('differing')
  })
})

describe('an option that CRIU binds sockets with', () => {
  const socket = (is: Record<string, string>) => ({ 7: { label: 'socket', is } })

  test('matters to those alone that may still be bound to, or bound beside', () => {
    const reuse = (facts: Record<string, string>, before: string, after: string) =>
      compare(
        socketOptions,
        socket({ ...facts, SO_REUSEADDR: before }),
        socket({ ...facts, SO_REUSEADDR: after }),
      )
    const connection = { SO_ACCEPTCONN: '0', SO_PROTOCOL: '6', SO_DOMAIN: '2' }
    expect(reuse(connection, '0', '1')).toBe('explained')
    expect(reuse({ ...connection, SO_ACCEPTCONN: '1' }, '0', '1')).toBe('differing')
    expect(reuse({ ...connection, SO_PROTOCOL: '17' }, '0', '1')).toBe('differing')
    expect(reuse({ ...connection, SO_PROTOCOL: '0', SO_DOMAIN: '1' }, '1', '0')).toBe('differing')
  })

  test('IPV6_V6ONLY matters until there is a peer', () => {
    const v6only = (connected: string) =>
      compare(ipv6Options, socket({ connected, IPV6_V6ONLY: '0' }), socket({ connected, IPV6_V6ONLY: '1' }))
    expect(v6only('true')).toBe('explained')
    expect(v6only('false')).toBe('differing')
  })
})

describe('what waits in a socket', () => {
  const waiting = (is: unknown) => ({ 3: { label: 'unix /run/systemd/journal/syslog', is } })
  const queue = (before: number, after: number, isInbox: boolean) =>
    compare(unixQueues, waiting({ bytes: before, isInbox }), waiting({ bytes: after, isInbox }))
  const contents = (before: string[], after: string[], isInbox: boolean) => {
    const value = (texts: string[]) =>
      Object.fromEntries(texts.map((digest) => ['fd 3 socket', { digest, isInbox }]))
    return compare(waitingContents, value(before), value(after))
  }
  const acceptQueues = sockets.find(({ name }) => name === 'accept-queues')!

  test('may have been sent while its tasks were held, where others can send to it', () => {
    expect(queue(0, 82, true)).toBe('explained')
    expect(contents([], ['82 bytes a'], true)).toBe('explained')
    expect(compare(udpQueues, waiting(false), waiting(true))).toBe('explained')
    expect(compare(acceptQueues, waiting(0), waiting(2))).toBe('explained')
  })

  test('must be there still, and as it was', () => {
    expect(queue(82, 0, true)).toBe('differing')
    expect(queue(82, 81, true)).toBe('differing')
    expect(contents(['82 bytes a'], [], true)).toBe('differing')
    expect(contents(['82 bytes a'], ['82 bytes b'], true)).toBe('differing')
    expect(compare(udpQueues, waiting(true), waiting(false))).toBe('differing')
    expect(compare(acceptQueues, waiting(2), waiting(0))).toBe('differing')
    expect(compare(acceptQueues, waiting(2), waiting(3))).toBe('differing')
  })

  test('of a pair that the tasks have among themselves nobody else has sent', () => {
    expect(queue(0, 82, false)).toBe('differing')
    expect(contents([], ['82 bytes a'], false)).toBe('differing')
  })

  test.each([
    ['u_dgr', '/run/systemd/journal/syslog', true],
    ['u_dgr', '', false],
    ['u_str', '/run/x', false],
    ['u_seq', '/run/x', false],
    ['tcp', '10.0.0.1:80', false],
    ['udp', '0.0.0.0:53', true],
    ['nl', 'route:331', true],
  ])('comes from outside for %s "%s": %s', (netid, local, expected) => {
    expect(isInbox({ netid, local } as SocketRow)).toBe(expected)
  })
})

describe('the name of a connection', () => {
  const ends = (state: string, name: string) => ({
    7: { label: 'unix socket', is: { type: 'u_str', state, name, peer: '331/8' } },
  })

  test('that CRIU leaves out and nobody can give back is explained, and no other', () => {
    expect(compare(unixPeers, ends('ESTAB', '@bus'), ends('ESTAB', ''))).toBe('explained')
    expect(compare(unixPeers, ends('ESTAB', '@bus'), ends('ESTAB', '@other'))).toBe('differing')
    expect(compare(unixPeers, ends('ESTAB', '/run/bus'), ends('ESTAB', ''))).toBe('differing')
    expect(compare(unixPeers, ends('LISTEN', '@bus'), ends('LISTEN', ''))).toBe('differing')
  })
})
