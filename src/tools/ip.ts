import * as z from 'zod'
import { run } from '../host/local.ts'

const linkSchema = z.array(
  z.object({
    ifname: z.string(),
    flags: z.array(z.string()).default([]),
    link_type: z.string().optional(),
    mtu: z.number(),
    /** Of virtual links only, such as a bridge or one end of a veth pair. */
    linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
    addr_info: z
      .array(
        z.object({
          family: z.string(),
          local: z.string(),
          prefixlen: z.number(),
          broadcast: z.string().optional(),
          scope: z.string(),
        }),
      )
      .default([]),
  }),
)
const routeSchema = z.array(
  z.object({
    dst: z.string(),
    gateway: z.string().optional(),
    dev: z.string().optional(),
    prefsrc: z.string().optional(),
    metric: z.number().optional(),
    protocol: z.string().optional(),
    scope: z.string().optional(),
    /** More than one way, each with its own gateway and device. */
    nexthops: z.array(z.object({})).optional(),
    /** A gateway of the other address family (RFC 8950). */
    via: z.object({}).optional(),
    /** What packets are wrapped into, such as `mpls`. */
    encap: z.string().optional(),
    metrics: z.array(z.object({ mtu: z.number().optional() })).optional(),
  }),
)

export type Link = z.infer<typeof linkSchema>[number]
export type Route = z.infer<typeof routeSchema>[number]

/** Network interfaces with their addresses. */
export async function links(): Promise<Link[]> {
  return parseLinks((await run('ip', ['-json', '-details', 'address', 'show'])).stdout)
}

/** Parses `ip -json -details address show`. */
export function parseLinks(text: string): Link[] {
  return linkSchema.parse(JSON.parse(text))
}

/** Routes of the main table for one address family. */
export async function routes(family: '4' | '6'): Promise<Route[]> {
  return parseRoutes((await run('ip', ['-json', `-${family}`, 'route', 'show'])).stdout, family)
}

/** Parses `ip -json route show`. ip says `default` for both families, which without a gateway it takes for IPv4. */
export function parseRoutes(text: string, family: '4' | '6'): Route[] {
  const everywhere = family === '4' ? '0.0.0.0/0' : '::/0'
  return routeSchema
    .parse(JSON.parse(text || '[]'))
    .map((route) => (route.dst === 'default' ? { ...route, dst: everywhere } : route))
}
