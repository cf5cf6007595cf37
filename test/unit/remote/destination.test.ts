import { expect, test } from 'vitest'
import { parseDestination } from '../../../src/remote/destination.ts'

test.each([
  ['web1', { name: 'web1' }],
  ['admin@web1', { user: 'admin', name: 'web1' }],
  ['admin@web1:2222', { user: 'admin', name: 'web1', port: 2222 }],
  ['10.0.0.1:22', { name: '10.0.0.1', port: 22 }],
  ['[fe80::1%eth0]:2222', { name: 'fe80::1%eth0', port: 2222 }],
  ['root@[::1]', { user: 'root', name: '::1' }],
  ['::1', { name: '::1' }],
])('%s', (text, destination) => {
  expect(parseDestination(text)).toEqual(destination)
})

test.each([
  '',
  'a b',
  '@web1',
  'web1:',
  'web1:port',
  'web1:0',
  'web1:65536',
  '-oProxyCommand=x',
  'a@-x',
  'a@b@c',
])('"%s" is refused', (text) => {
  expect(() => parseDestination(text)).toThrow(expect.objectContaining({ kind: 'usage' }))
})

test('a name of 5,000 letters is refused, and not repeated', () => {
  const refused = () => parseDestination('a'.repeat(5000))
  expect(refused).toThrow(expect.objectContaining({ kind: 'usage' }))
  expect(refused).toThrow(/^.{1,200}$/)
})
