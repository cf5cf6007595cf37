import { expect, test } from 'vitest'
import {
  isAnyBoundToDevice,
  parseListeners,
  parseProperties,
  parseUnits,
  showUnits,
} from '../../../src/tools/systemd.ts'
import { fixture } from '../fixture.ts'
import { standIns } from '../programs.ts'

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

/** A landing that came before udev would wait for such a file system, which waits for udev, which waits for it. */
test.each([
  [
    'the root, and those that need none',
    'BindsTo=dev-vda1.device\nId=-.mount\n\nBindsTo=\nId=tmp.mount\n',
    false,
  ],
  ['another one', 'BindsTo=\nId=-.mount\n\nBindsTo=dev-disk-by\\x2duuid-1.device\nId=var.mount\n', true],
  ['another one beside a unit', 'BindsTo=x.service dev-sdb1.device\nId=srv.mount\n', true],
  ['none at all', '', false],
])('mounts that wait for a device: %s', (_, text, expected) => {
  expect(isAnyBoundToDevice(text)).toBe(expected)
})

test('of several units each has a paragraph of its own', () => {
  expect(parseUnits('Id=a.service\nMainPID=1\n\nId=b.service\nMainPID=2\n')).toEqual([
    { Id: 'a.service', MainPID: '1' },
    { Id: 'b.service', MainPID: '2' },
  ])
  expect(parseUnits('')).toEqual([])
})

test('sockets listen at as many places as they like, blanks and all', () => {
  const text = [
    ...['Listen=/run/a (Stream)', 'Listen=/run/b c (Datagram)', 'Id=a.socket', ''],
    ...['Listen=[::]:22 (Stream)', 'Id=ssh.socket', '', 'Id=none.socket', ''],
  ].join('\n')
  expect([...parseListeners(text)]).toEqual([
    ['/run/a', 'a.socket'],
    ['/run/b c', 'a.socket'],
  ])
})

/** What is said of one unit must never be taken for what is said of another. */
test('an answer for fewer units than were asked about is an error', async () => {
  const programs = standIns({ systemctl: 'echo MainPID=1' })
  try {
    await expect(showUnits(['a.service', 'b.service'], ['MainPID'])).rejects.toThrow('1 units instead of 2')
  } finally {
    programs.remove()
  }
})
