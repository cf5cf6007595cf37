import { BlockList, isIPv6, SocketAddress } from 'node:net'
import type { InetSocket } from '../proc/inet-sockets.ts'
import type { Link, Route } from '../tools/ip.ts'
import { keptNetwork, type Network } from './addresses.ts'

/** What a restored socket would miss, in a few words; undefined where the landing puts back all it needs. */
export type Missing = (socket: InetSocket) => string | undefined

/**
 * What sockets need of a host's network and the landing doesn't put back. CRIU can't bind to an address that isn't
 * there, nor connect where no route goes, so that their service would start cold.
 */
export function missingAtLanding(network: Network): Missing {
  const kept = keptNetwork(network)
  const here = new Set(kept.links.flatMap(groundOf))
  const holders = new Map(network.links.flatMap((link) => link.addr_info.map(({ local }) => [local, link])))
  const routeTo = pathFinder(network.routes)
  return ({ localAddress, remoteAddress, remotePort }) => {
    const [local, remote] = [plain(localAddress), plain(remoteAddress)]
    if (!isEverywhere(local) && !here.has(local)) return `the address ${local}${placeOf(holders.get(local))}`
    // A connection to the host itself takes no route of these, and one within a link those that the kernel makes.
    if (remotePort === 0 || isEverywhere(remote) || holders.has(remote) || isOfOneLink(remote))
      return undefined
    const route = routeTo(remote)
    if (route && kept.routes.includes(route)) return undefined
    return route
      ? `the route ${route.dst}${wayOf(route)}`
      : `a way to ${remote}, which is not in the main table of routes`
  }
}

/** Addresses of a link that a socket may be bound to. */
function groundOf(link: Link): string[] {
  return link.addr_info.flatMap(({ local, broadcast }) =>
    broadcast === undefined ? [local] : [local, broadcast],
  )
}

const everywhere = new BlockList()
everywhere.addAddress('0.0.0.0')
everywhere.addAddress('255.255.255.255')
everywhere.addAddress('::', 'ipv6')
everywhere.addAddress('::1', 'ipv6')
everywhere.addSubnet('127.0.0.0', 8)
everywhere.addSubnet('224.0.0.0', 4)
everywhere.addSubnet('ff00::', 8, 'ipv6')

/** Any address, loopback and groups are the same on every host. */
function isEverywhere(address: string): boolean {
  return everywhere.check(address, familyOf(address))
}

/** fe80::/10, the addresses of IPv6 that are link-local (RFC 4291, section 2.5.6). */
function isOfOneLink(address: string): boolean {
  return /^fe[89ab]/.test(address)
}

/** The route that the kernel takes to an address: of those that lead there the narrowest, then the least metric. */
function pathFinder(routes: readonly Route[]): (address: string) => Route | undefined {
  const known = routes.map((route) => {
    const [network = '', length] = route.dst.split('/')
    const family = familyOf(network)
    const bits = length === undefined ? (family === 'ipv6' ? 128 : 32) : Number(length)
    const list = new BlockList()
    list.addSubnet(network, bits, family)
    return { route, bits, family, list }
  })
  known.sort((a, b) => b.bits - a.bits || (a.route.metric ?? 0) - (b.route.metric ?? 0))
  return (address) => {
    const family = familyOf(address)
    return known.find((one) => one.family === family && one.list.check(address, family))?.route
  }
}

/** As ip(8) writes it, and IPv4 as that where an IPv6 socket carries it. */
function plain(address: string): string {
  if (!isIPv6(address)) return address
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=[\d.]+$)/, '')
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

function placeOf(link: Link | undefined): string {
  if (!link) return ' of no link'
  const kind = link.linkinfo?.info_kind
  return ` of ${link.ifname}${kind === undefined ? '' : ` (${kind})`}`
}

function wayOf({ nexthops, dev }: Route): string {
  if (nexthops) return ' with several next hops'
  return dev === undefined ? '' : ` over ${dev}`
}
