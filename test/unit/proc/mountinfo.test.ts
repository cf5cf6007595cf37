import { describe, expect, test } from 'vitest'
import { mountOf, parseMountinfo } from '../../../src/proc/mountinfo.ts'
import { fixture } from '../fixture.ts'

const redis = parseMountinfo(fixture('proc/mountinfo-redis'))
const host = parseMountinfo(fixture('proc/mountinfo-host'))

test('every mount of a sandbox is understood', () => {
  expect(redis).toHaveLength(48)
  for (const mount of redis)
    expect(mount).toMatchObject({ id: expect.any(Number), target: expect.stringMatching(/^\//) })
})

test('a bind mount tells the directory it shows, with and without propagation', () => {
  expect(redis.find(({ target }) => target === '/run/redis')).toEqual({
    id: 217,
    device: '0:25',
    root: '/redis',
    target: '/run/redis',
    options: ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'],
    type: 'tmpfs',
    superOptions: ['rw', 'size=202084k', 'mode=755', 'inode64'],
  })
  expect(redis.find(({ id }) => id === 244)).toMatchObject({ target: '/run/systemd/incoming', type: 'tmpfs' })
})

/** Only the file system's own options show what an emergency remount did. */
test('options of the mount and of the file system are kept apart', () => {
  const [root] = redis
  expect(root).toMatchObject({ target: '/', type: 'ext4' })
  expect([root!.options[0], root!.superOptions[0]]).toEqual(['ro', 'rw'])
})

test('blanks, tabs, newlines and backslashes in names are decoded', () => {
  const [mount] = parseMountinfo('1 2 0:3 /a\\040b /c\\011d\\012e\\134040 rw - tmpfs none rw\n')
  expect(mount).toMatchObject({ root: '/a b', target: '/c\td\ne\\040' })
})

describe('the mount that a path lies on', () => {
  test.each([
    ['/etc/passwd', '/'],
    ['/run/redis', '/run/redis'],
    ['/run/redis/redis.pid', '/run/redis'],
    ['/run/redis-other', '/run'],
    ['/usr/lib/modules/x', '/usr/lib/modules'],
    ['/', '/'],
  ])('%s is on %s', (path, target) => {
    expect(mountOf(redis, path)?.target).toBe(target)
  })

  test('of two mounts on one directory the later hides the earlier', () => {
    expect(mountOf(redis, '/tmp/x')).toMatchObject({
      id: 247,
      root: expect.stringContaining('systemd-private-'),
    })
  })

  test('without mounts there is none', () => {
    expect(mountOf([], '/x')).toBeUndefined()
    expect(mountOf(host, 'relative')).toBeUndefined()
  })
})
