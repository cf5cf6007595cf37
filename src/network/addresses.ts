import { type Link, links, type Route, routes } from '../tools/ip.ts'

/** What the landing needs to have the host's addresses back before any network service runs. */
export interface AddressBook {
  /** Interfaces to wait for. */
  readonly links: readonly string[]
  /** Input of `ip -batch` before the restore: addresses, and routes with an MTU one byte short. */
  readonly arrive: string
  /** Input of `ip -batch` after it: the routes as they were. */
  readonly settle: string
}

/** No packet is longer, and TCP counts with this for links that would carry more (IP_MAX_MTU, include/net/ip.h). */
const mostMtu = 65535

/** Links, addresses and routes of a host. */
export interface Network {
  readonly links: readonly Link[]
  readonly routes: readonly Route[]
}

/** Reads the links, addresses and routes that the host has now. */
export async function readNetwork(): Promise<Network> {
  const [all, ipv4, ipv6] = await Promise.all([links(), routes('4'), routes('6')])
  return { links: all, routes: [...ipv4, ...ipv6] }
}

/** Reads what of them the landing puts back. */
export async function readAddresses(): Promise<AddressBook> {
  return addressBook(await readNetwork())
}

/** What of a network the landing puts back: cards with their addresses, and routes with one next hop over those. */
export function keptNetwork({ links: all, routes: known }: Network): Network {
  const used = all.filter(isOfTheMachine)
  const names = new Set(used.map(({ ifname }) => ifname))
  const own = new Set(used.flatMap(({ addr_info }) => addr_info.map(({ local }) => local)))
  const isKept = ({ dev, prefsrc, nexthops, via, encap }: Route) =>
    dev !== undefined &&
    names.has(dev) &&
    (prefsrc === undefined || own.has(prefsrc)) &&
    [nexthops, via, encap].every((unwritten) => unwritten === undefined)
  return { links: used, routes: known.filter((route) => !route.dst.startsWith('fe80:') && isKept(route)) }
}

/**
 * Writes addresses and routes as `ip -batch` input.
 *
 * A connection that CRIU restores keeps sending in segments of 536 bytes, since the kernel computed their size before
 * CRIU told it what the peer had agreed to. It computes again when the MTU of the route changes
 * (net/ipv4/tcp_output.c, tcp_current_mss), so the routes come back one byte short and are mended after the restore.
 * The routes over loopback are the kernel's own and follow the link.
 */
export function addressBook(network: Network): AddressBook {
  const { links: used, routes: kept } = keptNetwork(network)
  const loopback = network.links.filter(({ link_type }) => link_type === 'loopback')
  const mtus = new Map(used.map(({ ifname, mtu }) => [ifname, mtu]))
  return {
    links: [...mtus.keys()],
    arrive: batch([
      ...loopback.map(({ ifname, mtu }) => `link set dev ${ifname} mtu ${Math.min(mtu, mostMtu) - 1}`),
      ...used.flatMap(linkLines),
      ...kept.map((route) => routeLine(route, (mtus.get(route.dev!) ?? 0) - 1)),
    ]),
    settle: batch([
      ...loopback.map(({ ifname, mtu }) => `link set dev ${ifname} mtu ${mtu}`),
      ...kept.map((route) => routeLine(route)),
    ]),
  }
}

/** Links that a boot brings by itself; waiting for one that a service makes (a bridge, a tunnel) would be in vain. */
function isOfTheMachine({ link_type, flags, linkinfo }: Link): boolean {
  return link_type !== 'loopback' && flags.includes('UP') && linkinfo?.info_kind === undefined
}

function batch(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

function linkLines(link: Link): string[] {
  // The kernel makes link-local IPv6 addresses itself.
  const addresses = link.addr_info.filter(({ family, scope }) => family === 'inet' || scope !== 'link')
  return [
    `link set dev ${link.ifname} mtu ${link.mtu} up`,
    ...addresses.map((address) => addressLine(link.ifname, address)),
  ]
}

function addressLine(link: string, address: Link['addr_info'][number]): string {
  const broadcast = address.broadcast ? ` broadcast ${address.broadcast}` : ''
  // A duplicate address check would keep an IPv6 address unusable for a second; nobody else took it meanwhile.
  const nodad = address.family === 'inet6' ? ' nodad' : ''
  const scope = address.family === 'inet6' || address.scope === 'global' ? '' : ` scope ${address.scope}`
  return `address replace ${address.local}/${address.prefixlen}${broadcast} dev ${link}${scope}${nodad}`
}

function routeLine(route: Route, mtu?: number): string {
  const own = route.metrics?.find((metrics) => metrics.mtu !== undefined)?.mtu
  const size = mtu === undefined ? own : Math.min(own ?? Number.POSITIVE_INFINITY, mtu)
  return [
    `route replace ${route.dst}`,
    route.gateway && `via ${route.gateway}`,
    `dev ${route.dev}`,
    route.prefsrc && `src ${route.prefsrc}`,
    route.metric !== undefined && `metric ${route.metric}`,
    route.protocol && `proto ${route.protocol}`,
    // Without a gateway the destination must be on the link.
    !route.gateway && route.scope && `scope ${route.scope}`,
    route.gateway && 'onlink',
    size !== undefined && `mtu ${size}`,
  ]
    .filter(Boolean)
    .join(' ')
}
