import { expect, test } from 'vitest'
import { parseUnixSockets } from '../../../src/tools/unix-sockets.ts'
import { fixture } from '../fixture.ts'

const sockets = parseUnixSockets(fixture('ss/unix'))

test('every line of a real machine is understood', () => {
  expect(sockets).toHaveLength(fixture('ss/unix').trim().split('\n').length)
})

test.each([
  ['a connected pair', { type: 'stream', path: '', inode: 2495, peer: 2496 }],
  ['its named end', { type: 'stream', path: '/run/systemd/journal/stdout', inode: 2496, peer: 2495 }],
  [
    'a listener has no peer',
    { type: 'stream', path: '/var/run/postgresql/.s.PGSQL.5432', inode: 2603, peer: 0 },
  ],
  [
    'an abstract name',
    { type: 'stream', path: '@d996bb39e136025d/bus/systemd-logind/system', inode: 2344, peer: 2345 },
  ],
  ['datagrams', { type: 'datagram', path: '', inode: 2941, peer: 955 }],
  ['sequenced packets', { type: 'seqpacket', path: '/run/udev/control', inode: 959, peer: 0 }],
])('%s', (_, socket) => {
  expect(sockets).toContainEqual(socket)
})

test('a name may hold blanks', () => {
  const text = 'u_str LISTEN 0      1      /run/a name 17 * 0 end 2603 * 0   \n'
  expect(parseUnixSockets(text)).toEqual([
    { type: 'stream', path: '/run/a name 17 * 0 end', inode: 2603, peer: 0 },
  ])
})

test('other families and empty lines are left out', () => {
  expect(parseUnixSockets('tcp LISTEN 0 1 127.0.0.1:1 * 2\n\n')).toEqual([])
})
