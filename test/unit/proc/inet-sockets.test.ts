import { expect, test } from 'vitest'
import { parseInetSockets, tcpEstablished, tcpListen } from '../../../src/proc/inet-sockets.ts'
import { fixture } from '../fixture.ts'

const tcp = parseInetSockets(fixture('proc/net-tcp'), 'tcp', 4)

test('the listeners of a stock machine', () => {
  const listeners = tcp.filter(({ state }) => state === tcpListen)
  expect(listeners.map(({ localPort }) => localPort)).toEqual([11_211, 5432, 6379, 22, 80])
  expect(listeners[2]).toEqual({
    protocol: 'tcp',
    family: 4,
    localAddress: '0.0.0.0',
    localPort: 6379,
    remoteAddress: '0.0.0.0',
    remotePort: 0,
    state: tcpListen,
    inode: 2510,
  })
})

test('a connection has its bytes in the order people read them', () => {
  expect(tcp.find(({ state }) => state === tcpEstablished)).toMatchObject({
    localAddress: '10.99.0.2',
    localPort: 22,
    remoteAddress: '10.99.0.1',
    remotePort: 60_698,
    inode: 2783,
  })
})

test('IPv6 listeners and addresses', () => {
  const sockets = parseInetSockets(fixture('proc/net-tcp6'), 'tcp', 6)
  expect(sockets.map(({ localPort }) => localPort)).toEqual([5432, 22, 80])
  const line =
    '0: B80D0120000007000000000010000000:18EB 00000000000000000000000001000000:0035 01 0:0 0:0 0 0 0 77 1 0'
  expect(parseInetSockets(`head\n${line}\n`, 'tcp', 6)[0]).toMatchObject({
    localAddress: '2001:db8:7:0:0:0:0:10',
    remoteAddress: '0:0:0:0:0:0:0:1',
    remotePort: 53,
    inode: 77,
  })
})

test('a table without sockets, or none at all', () => {
  expect(parseInetSockets(fixture('proc/net-tcp').split('\n')[0]!, 'udp', 4)).toEqual([])
  expect(parseInetSockets('', 'tcp', 6)).toEqual([])
})
