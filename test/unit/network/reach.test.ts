import { describe, expect, test } from 'vitest'
import { missingAtLanding } from '../../../src/network/reach.ts'
import { type InetSocket, parseInetSockets } from '../../../src/proc/inet-sockets.ts'
import { parseLinks, parseRoutes } from '../../../src/tools/ip.ts'
import { fixture } from '../fixture.ts'

/**
 * A host with two cards, a bridge, a service address on loopback, default routes with two next hops, and a route by a
 * gateway of the other family. Where it was captured, pairs of virtual links stood for the cards.
 */
const cards = ['eth0', 'eth1']
const links = parseLinks(fixture('ip/address-virtual.json')).map(({ linkinfo, ...link }) =>
  cards.includes(link.ifname) ? link : { ...link, linkinfo },
)
const routes = [
  ...parseRoutes(fixture('ip/route4-virtual.json'), '4'),
  ...parseRoutes(fixture('ip/route6-virtual.json'), '6'),
]
const missing = missingAtLanding({ links, routes })

/** As /proc shows a socket: 32-bit words in hexadecimal, each in the machine's byte order. */
function socket(local: string, remote = local.length > 8 ? '0'.repeat(32) : '00000000'): InetSocket {
  const port = /^0+$/.test(remote) ? '0000' : '1F90'
  const line = `0: ${local}:0050 ${remote}:${port} 01 0:0 0:0 0 0 0 7`
  return parseInetSockets(`header\n${line}\n`, 'tcp', local.length > 8 ? 6 : 4)[0]!
}

const ipv4 = (text: string) => Buffer.from(text.split('.').map(Number)).swap32().toString('hex').toUpperCase()
const mapped = (text: string) => `0000000000000000FFFF0000${ipv4(text)}`
const ipv6 = (...groups: number[]) => {
  const bytes = Buffer.alloc(16)
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, index * 2)
  return bytes.swap32().toString('hex').toUpperCase()
}
const own = ipv6(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2)

/** CRIU could restore none of these: a service that the plan calls ready would start cold. */
describe('needs what the landing does not put back', () => {
  test.each([
    ['a listener on a bridge', socket(ipv4('172.18.0.1')), 'the address 172.18.0.1 of br0 (bridge)'],
    [
      'a listener of IPv6 there',
      socket(ipv6(0x2001, 0xdb8, 0x18, 0, 0, 0, 0, 1)),
      'the address 2001:db8:18::1 of br0 (bridge)',
    ],
    [
      'a connection there that an IPv6 socket took for IPv4',
      socket(mapped('172.18.0.1'), mapped('172.18.0.9')),
      'the address 172.18.0.1 of br0 (bridge)',
    ],
    ['a service address on loopback', socket(ipv4('192.0.2.53')), 'the address 192.0.2.53 of lo'],
    ['an address that no link has', socket(ipv4('10.1.0.77')), 'the address 10.1.0.77 of no link'],
    [
      'a connection by a default route with two ways',
      socket(ipv4('10.1.0.2'), ipv4('8.8.8.8')),
      'the route 0.0.0.0/0 with several next hops',
    ],
    [
      'the same of IPv6',
      socket(own, ipv6(0x2001, 0x4860, 0, 0, 0, 0, 0, 1)),
      'the route ::/0 with several next hops',
    ],
    [
      'a connection by a route over the bridge',
      socket(ipv4('10.1.0.2'), ipv4('198.51.100.7')),
      'the route 198.51.100.0/24 over br0',
    ],
    [
      'a connection by a gateway of the other family',
      socket(ipv4('10.1.0.2'), ipv4('203.0.113.7')),
      'the route 203.0.113.0/24 over eth0',
    ],
  ])('%s', (_, found, need) => {
    expect(missing(found)).toBe(need)
  })

  test('a connection by a route whose source address is not put back: ip refuses it', () => {
    const route = { dst: '0.0.0.0/0', gateway: '10.1.0.1', dev: 'eth0', prefsrc: '192.0.2.53' }
    const sourced = missingAtLanding({ links, routes: [route] })
    expect(sourced(socket(ipv4('10.1.0.2'), ipv4('8.8.8.8')))).toBe('the route 0.0.0.0/0 over eth0')
  })

  test('a connection by a route of another table', () => {
    const narrow = missingAtLanding({ links, routes: routes.filter(({ dst }) => dst !== '0.0.0.0/0') })
    expect(narrow(socket(ipv4('10.1.0.2'), ipv4('8.8.8.8')))).toBe(
      'a way to 8.8.8.8, which is not in the main table of routes',
    )
  })
})

describe('needs no more than the landing puts back', () => {
  test.each([
    ['any address', socket(ipv4('0.0.0.0'))],
    ['any address of IPv6', socket('0'.repeat(32))],
    ['loopback', socket(ipv4('127.0.0.53'), ipv4('127.0.0.1'))],
    ['loopback of IPv6', socket(ipv6(0, 0, 0, 0, 0, 0, 0, 1))],
    ['a group', socket(ipv4('224.0.0.251'))],
    ['the address of a card', socket(ipv4('10.2.0.2'))],
    ['its IPv6 address', socket(own)],
    ['its link-local address of IPv4', socket(ipv4('169.254.7.7'), ipv4('169.254.1.1'))],
    ['its link-local address', socket(ipv6(0xfe80, 0, 0, 0, 0xa02a, 0xb9ff, 0xfe2d, 0xf6b0))],
    ['a connection to a neighbour', socket(ipv4('10.1.0.2'), ipv4('10.1.0.9'))],
    ['one by a route with one next hop', socket(ipv4('10.1.0.2'), ipv4('10.77.1.1'))],
    ['the same of IPv6', socket(own, ipv6(0x2001, 0xdb8, 0x99, 0, 0, 0, 0, 1))],
    ['a connection to the host itself', socket(ipv4('10.1.0.2'), ipv4('10.2.0.2'))],
  ])('%s', (_, found) => {
    expect(missing(found)).toBeUndefined()
  })
})
