import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { InetTables, inetSockets } from '../../../src/workload/inet-tables.ts'
import { lostPeers } from '../../../src/workload/local-peers.ts'

/** RabbitMQ was planned as ready, and its connection to epmd, which nobody carried, had no other end after the jump. */
test.each(['127.0.0.1', '::1', '::'])(
  'who is connected to somebody of this host at %s loses him',
  async (host) => {
    const server = createServer().listen(0, host)
    const accepted = once(server, 'connection')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const client = connect({ port, host: host === '::' ? '127.0.0.1' : host })
    const [other] = (await accepted) as [Socket]
    try {
      const sockets = new InetTables().heldBy([process.pid])
      const all = inetSockets(process.pid)
      const one = { unit: 'a.service', inetSockets: sockets.filter(({ remotePort }) => remotePort === port) }
      const peer = { unit: 'b.service', inetSockets: sockets.filter(({ localPort }) => localPort === port) }
      const address = host === '::' ? '127.0.0.1' : host === '::1' ? '0:0:0:0:0:0:0:1' : host
      expect(lostPeers([one], all).get('a.service')).toEqual([
        `loses its connection to ${address} port ${port}, which stays behind`,
      ])
      expect([...lostPeers([one, peer], all).values()].flat()).toEqual([])
    } finally {
      client.destroy()
      other.destroy()
      server.close()
    }
  },
)
