import { expect, test } from 'vitest'
import type { InetSocket } from '../../../src/proc/inet-sockets.ts'
import { connectionsOf, memoryOf } from '../../../src/workload/service.ts'
import { service, task } from './builders.ts'

const ends = { localAddress: '10.0.0.2', localPort: 80, remoteAddress: '10.0.0.1', remotePort: 4000 }
const socket = (protocol: 'tcp' | 'udp', state: number): InetSocket => ({
  protocol,
  family: 4,
  ...ends,
  state,
  inode: 1,
})

test('established TCP connections count; listeners and UDP, whose open sockets show the same state, do not', () => {
  const inetSockets = [
    socket('tcp', 1),
    socket('tcp', 1),
    socket('tcp', 10),
    socket('tcp', 8),
    socket('udp', 1),
  ]
  expect(connectionsOf(service({ inetSockets }))).toBe(2)
})

test('memory is that of all processes', () => {
  const processes = [task({ memoryBytes: 5 }), task({ memoryBytes: 7 })]
  expect(memoryOf(service({ processes }))).toBe(12)
})
