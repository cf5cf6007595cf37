import { type Link, links, type Route, routes } from '../tools/ip.ts'

/** What the landing needs to have the host's addresses back before any network service runs. */
export interface AddressBook {
  /** Interfaces to wait for. */
  readonly links: readonly string[]
  /** Input of `ip -batch`. */
  readonly batch: string
}

/** Reads the addresses and routes that the host has now. */
export async function readAddresses(): Promise<AddressBook> {
  const [all, ipv4, ipv6] = await Promise.all([links(), routes('4'), routes('6')])
  return addressBook(all, [...ipv4, ...ipv6])
}

/** Writes addresses and routes as `ip -batch` input: only what each boot doesn't make by itself. */
export function addressBook(all: readonly Link[], routeList: readonly Route[]): AddressBook {
  const used = all.filter((link) => link.link_type !== 'loopback' && link.flags.includes('UP'))
  const names = new Set(used.map(({ ifname }) => ifname))
  const lines = [
    ...used.flatMap((link) => [
      `link set dev ${link.ifname} mtu ${link.mtu} up`,
      ...link.addr_info
        // The kernel makes link-local addresses itself.
        .filter(({ scope }) => scope !== 'link')
        .map((address) => addressLine(link.ifname, address)),
    ]),
    ...routeList
      .filter((route) => route.dev !== undefined && names.has(route.dev) && route.protocol !== 'kernel')
      .map(routeLine),
  ]
  return { links: [...names], batch: `${lines.join('\n')}\n` }
}

function addressLine(link: string, address: Link['addr_info'][number]): string {
  const broadcast = address.broadcast ? ` broadcast ${address.broadcast}` : ''
  // A duplicate address check would keep an IPv6 address unusable for a second; nobody else took it meanwhile.
  const nodad = address.family === 'inet6' ? ' nodad' : ''
  return `address replace ${address.local}/${address.prefixlen}${broadcast} dev ${link}${nodad}`
}

function routeLine(route: Route): string {
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
  ]
    .filter(Boolean)
    .join(' ')
}
