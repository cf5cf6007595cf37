import { once } from 'node:events'
import { connect } from 'node:net'
import * as z from 'zod'
import type { InetSocket } from '../proc/inet-sockets.ts'
import type { BuiltInHook } from './built-in-hook.ts'
import { differing } from './judge.ts'

const baselineSchema = z.object({ ports: z.array(z.object({ address: z.string(), port: z.number() })) })
type Port = z.infer<typeof baselineSchema>['ports'][number]

/**
 * How long a port may take to take a connection, in milliseconds: longer than TCP takes for its fourth try (after 1, 3, 7
 * and 15 s), where a host that has just come back loses packets.
 */
const connectMilliseconds = 20_000

/** Every TCP port that the unit listens on takes connections. */
export const portsHook: BuiltInHook = {
  id: 'all/20-ports',
  async answer(verb, { pids }, { facts, baseline }) {
    if (verb === 'capture')
      return { outcome: 'ok', baseline: { ports: portsOf(facts.listeners(pids)) }, findings: [] }
    if (verb !== 'verify') return { outcome: 'silent', findings: [] }
    const { ports } = baselineSchema.parse(baseline)
    const answers = await Promise.all(ports.map(takesConnections))
    return differing(
      ports
        .filter((_, index) => !answers[index])
        .map(({ address, port }) => `${address} port ${port} takes no connections`),
    )
  },
}

/** Each once: several sockets may share a port (socket(7), SO_REUSEPORT). */
function portsOf(listeners: readonly InetSocket[]): Port[] {
  const ports = listeners
    // A link-local address is none without its link, which the kernel's table doesn't tell.
    .filter(({ localAddress }) => !localAddress.startsWith('fe80:'))
    .map(({ localAddress, localPort }) => ({ address: localAddress, port: localPort }))
  return [...new Map(ports.map((port) => [JSON.stringify(port), port])).values()]
}

async function takesConnections({ address, port }: Port): Promise<boolean> {
  const socket = connect({ host: reachable(address), port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMilliseconds) })
    return true
  } catch {
    return false
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

/** Who listens at any address is asked over loopback. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return /^[0:]+$/.test(address) ? '::1' : address
}
