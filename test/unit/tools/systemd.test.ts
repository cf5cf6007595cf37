import { expect, test } from 'vitest'
import { parseProperties } from '../../../src/tools/systemd.ts'
import { fixture } from '../fixture.ts'

test('properties of a running service', () => {
  const properties = parseProperties(fixture('systemd/redis-server.properties'))
  expect(properties).toMatchObject({
    Id: 'redis-server.service',
    MainPID: '331',
    ControlGroup: '/system.slice/redis-server.service',
    TriggeredBy: '',
    NoExecPaths: '/',
  })
  expect(properties.ExecStart).toContain('path=/usr/bin/redis-server ;')
  expect(Object.keys(properties)).toHaveLength(19)
})

test.each([
  ['a value may hold equal signs', 'Environment=A=1 B=2\n', { Environment: 'A=1 B=2' }],
  ['lines without a name are left out', 'rest of a value\n=x\n\nA=\n', { A: '' }],
  ['nothing', '', {}],
])('%s', (_, text, expected) => {
  expect(parseProperties(text)).toEqual(expected)
})
