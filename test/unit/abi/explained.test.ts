import { describe, expect, test } from 'vitest'
import type { Facet } from '../../../src/abi/facet.ts'
import { fdFlags } from '../../../src/abi/facets/fd-flags.ts'
import { ipv6Options } from '../../../src/abi/facets/ipv6-options.ts'
import { mounts } from '../../../src/abi/facets/mounts.ts'
import { socketOptions } from '../../../src/abi/facets/socket-options.ts'
import type { Setting } from '../../../src/abi/types.ts'

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
