import { describe, expect, test } from 'vitest'
import { addressBook } from '../../../src/network/addresses.ts'
import { parseLinks, parseRoutes } from '../../../src/tools/ip.ts'
import { fixture } from '../fixture.ts'
import { canInOwnNetwork, inOwnNetwork } from '../isolated.ts'

const links = parseLinks(fixture('ip/address.json'))
const routes = [
  ...parseRoutes(fixture('ip/route4.json'), '4'),
  ...parseRoutes(fixture('ip/route6.json'), '6'),
]
const book = addressBook({ links, routes })

/** A machine with two links that are up, one with IPv6 and jumbo frames, and one that is down. */
test('what the landing puts back before the restore', () => {
  expect(book.links).toEqual(['eth0', 'dummy0'])
  expect(book.arrive.split('\n')).toEqual([
    // Longer than TCP counts with: one byte less than that makes the difference.
    'link set dev lo mtu 65534',
    'link set dev eth0 mtu 1500 up',
    'address replace 10.99.0.2/24 broadcast 10.99.0.255 dev eth0',
    'link set dev dummy0 mtu 9000 up',
    'address replace 192.0.2.10/24 broadcast 192.0.2.255 dev dummy0',
    'address replace 2001:db8:7::10/64 dev dummy0 nodad',
    'route replace 0.0.0.0/0 via 10.99.0.1 dev eth0 onlink mtu 1499',
    'route replace 10.99.0.0/24 dev eth0 src 10.99.0.2 proto kernel scope link mtu 1499',
    'route replace 192.0.2.0/24 dev dummy0 src 192.0.2.10 proto kernel scope link mtu 8999',
    'route replace 198.51.100.0/24 via 192.0.2.1 dev dummy0 metric 50 onlink mtu 1400',
    'route replace 2001:db8:7::/64 dev dummy0 metric 256 proto kernel mtu 8999',
    'route replace 2001:db8:8::/48 via 2001:db8:7::1 dev dummy0 metric 1024 onlink mtu 8999',
    'route replace ::/0 via fe80::1 dev dummy0 metric 1024 onlink mtu 8999',
    '',
  ])
})

test('after it every route has its own MTU again, or none', () => {
  const own = (line: string) => line.replace(/ mtu (1499|8999)$/, '')
  const routesBefore = book.arrive.split('\n').filter((line) => line.startsWith('route'))
  expect(book.settle.trim().split('\n')).toEqual(['link set dev lo mtu 65536', ...routesBefore.map(own)])
  expect(book.settle).toContain('198.51.100.0/24 via 192.0.2.1 dev dummy0 metric 50 onlink mtu 1400\n')
})

describe('left out', () => {
  test.each([
    ['addresses and routes of loopback, which every boot sets up', /(dev|link) lo$|127\.|::1\/128/m],
    ['links that are down', /dummy1|203\.0\.113/],
    ['link-local addresses and routes, which the kernel makes', /address replace fe80|route replace fe80/],
  ])('%s', (_, pattern) => {
    expect(book.arrive + book.settle + book.links.join(' ')).not.toMatch(pattern)
  })
})

/** Without a gateway ip takes `default` for IPv4, and the landing would send everything through a tunnel. */
test('a default route without a gateway keeps its family', () => {
  const tunnel = [{ dst: 'default', dev: 'dummy0', metric: 1024, flags: [] }]
  const { settle } = addressBook({ links, routes: parseRoutes(JSON.stringify(tunnel), '6') })
  expect(settle.split('\n')).toContain('route replace ::/0 dev dummy0 metric 1024')
})

test('a host without any link or route needs nothing', () => {
  expect(addressBook({ links: [], routes: parseRoutes('', '6') })).toEqual({
    links: [],
    arrive: '',
    settle: '',
  })
})

const machine = [
  'for name in all default; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done',
  'ip link add eth0 type bridge',
  'ip link add dummy0 type bridge',
].join('; ')

/** The landing has nobody to ask: what ip refuses there is an address that is missing. */
describe.runIf(canInOwnNetwork(machine))('ip', () => {
  test('takes both batches, twice, and the routes end up as they were', () => {
    const { arrive, settle } = book
    const show = 'ip -json -4 route show; echo; ip -json -6 route show'
    const printed = inOwnNetwork(`${machine}; ip -batch -; ${show}`, arrive + settle + arrive + settle)
    const [ipv4 = '', ipv6 = ''] = printed.split('\n').filter(Boolean)
    const after = [...parseRoutes(ipv4, '4'), ...parseRoutes(ipv6, '6')]
    const carried = routes.filter(({ dev, dst }) => dev !== undefined && !dst.startsWith('fe80:'))
    expect(carried).toHaveLength(7)
    for (const { dst, dev, gateway, metric, metrics } of carried) {
      const found = after.find((route) => route.dst === dst && route.dev === dev)
      expect(found, dst).toMatchObject(JSON.parse(JSON.stringify({ dst, dev, gateway, metric, metrics })))
      if (!metrics) expect(found?.metrics, dst).toBeUndefined()
    }
  })

  /** The kernel makes those of IPv6 by itself, and none of IPv4: a cloud's metadata may be all that is reached by one. */
  test('gives a card its link-local address of IPv4 again', () => {
    const card = parseLinks(fixture('ip/address-virtual.json')).filter(({ ifname }) => ifname === 'eth0')
    const known = parseRoutes(fixture('ip/route4-virtual.json'), '4')
    const network = { links: [{ ...card[0]!, linkinfo: undefined }], routes: known }
    const printed = inOwnNetwork(`${machine}; ip -batch -; ip -4 address show`, addressBook(network).arrive)
    expect(printed).toMatch(/inet 169\.254\.7\.7\/16 .*scope link .*eth0/)
    expect(printed).toMatch(/inet 10\.1\.0\.2\/24 .*scope global .*eth0/)
  })
})
