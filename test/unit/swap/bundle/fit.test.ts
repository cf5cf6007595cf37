import { describe, expect, test } from 'vitest'
import type { BundleIndex, BundleSocket } from '../../../../src/archive/bundle.ts'
import type { InetSocket } from '../../../../src/proc/inet-sockets.ts'
import { addressObstacles, pidsIn, takenPorts } from '../../../../src/swap/bundle/fit.ts'
import { bundleSockets } from '../../../../src/swap/phases/evacuate.ts'

const bound = (address: string, port = 80, listens = true): BundleSocket => ({
  ...{ protocol: 'tcp', address, port, listens },
})

function socket(localAddress: string, localPort: number, more: Partial<InetSocket> = {}): InetSocket {
  return {
    ...{ protocol: 'tcp', family: 4, localAddress, localPort, remoteAddress: '0.0.0.0', remotePort: 0 },
    ...{ state: 10, inode: 7 },
    ...more,
  }
}

test('a bundle says which places its sockets take, each once', () => {
  const accepted = { state: 1, remoteAddress: '10.0.0.9', remotePort: 4711 }
  expect(
    bundleSockets([
      socket('0.0.0.0', 80),
      socket('10.0.0.1', 80, accepted),
      socket('10.0.0.1', 80, { ...accepted, remotePort: 4712 }),
      socket('0.0.0.0', 53, { protocol: 'udp', state: 7 }),
    ]),
  ).toEqual([
    bound('0.0.0.0'),
    bound('10.0.0.1', 80, false),
    { protocol: 'udp', address: '0.0.0.0', port: 53, listens: false },
  ])
})

test('PIDs and thread IDs are those that CRIU has images of', () => {
  const names = ['core-572.img', 'core-573.img', 'core-x.img', 'pages-1.img'].map(
    (name) => `workloads/redis-server.service/images/${name}`,
  )
  const files = [...names, 'landing/core-9.img'].map((name) => ({ name, bytes: 0, sha256: '' }))
  expect(pidsIn({ files } as unknown as BundleIndex)).toEqual([572, 573])
})

describe('an address that sockets are bound to', () => {
  const here = ['10.0.0.1', 'fd00::1']
  test.each([
    ['of the host', '10.0.0.1'],
    ['of the host, IPv6 as the kernel prints it', 'fd00:0:0:0:0:0:0:1'],
    ['of the host, IPv4 in an IPv6 socket', '0:0:0:0:0:ffff:a00:1'],
    ['any', '0.0.0.0'],
    ['any, IPv6', '0:0:0:0:0:0:0:0'],
    ['loopback', '127.0.0.53'],
    ['loopback, IPv6', '0:0:0:0:0:0:0:1'],
    ['a group', '224.0.0.251'],
    ['a group, IPv6', 'ff02:0:0:0:0:0:0:fb'],
  ])('is here: %s', (_, address) => {
    expect(addressObstacles([bound(address)], here)).toEqual([])
  })

  test.each(['10.0.0.2', 'fd00:0:0:0:0:0:0:2', '0:0:0:0:0:ffff:a00:2'])('is missed: %s', (address) => {
    const [obstacle, ...more] = addressObstacles([bound(address), bound(address, 81)], here)
    expect(more).toEqual([])
    expect(obstacle?.reason).toBe(`sockets are bound to ${address}, which is no address of this host`)
  })
})

describe('a port is taken', () => {
  test.each([
    ['at the same address', '10.0.0.1', '10.0.0.1', 1],
    ['not at another one', '127.0.0.53', '127.0.0.1', 0],
    ['by who listens at any', '10.0.0.1', '0.0.0.0', 1],
    ['for who wants any', '0:0:0:0:0:0:0:0', '10.0.0.1', 1],
  ])('%s', (_, wanted, present, count) => {
    expect(takenPorts([bound(wanted)], [socket(present, 80)])).toHaveLength(count)
    expect(takenPorts([bound(wanted)], [socket(present, 81)])).toEqual([])
  })

  test('by who is bound there, in UDP', () => {
    const wanted: BundleSocket = { ...bound('0.0.0.0', 53, false), protocol: 'udp' }
    const present = socket('127.0.0.53', 53, { protocol: 'udp', state: 7 })
    expect(takenPorts([wanted], [present])).toEqual([present])
    expect(takenPorts([bound('0.0.0.0', 53)], [present])).toEqual([])
  })

  test('by listeners alone, from listeners alone', () => {
    expect(takenPorts([bound('10.0.0.1')], [socket('10.0.0.1', 80, { state: 1 })])).toEqual([])
    expect(takenPorts([bound('10.0.0.1', 80, false)], [socket('10.0.0.1', 80)])).toEqual([])
  })
})
