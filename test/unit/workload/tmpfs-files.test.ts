import { expect, test } from 'vitest'
import { parseMountinfo } from '../../../src/proc/mountinfo.ts'
import type { OpenFile } from '../../../src/workload/process.ts'
import { tmpfsFiles } from '../../../src/workload/tmpfs-files.ts'
import { fixture } from '../fixture.ts'
import { file, service, serviceHolding, serviceWith, socketFile, surroundings, task } from './builders.ts'

const hostMounts = parseMountinfo(fixture('proc/mountinfo-host'))

/** A service without a sandbox sees the host's mounts. */
function unconfined(...files: readonly OpenFile[]) {
  const open = files.map((one) => ({ ...one, mountId: 29 }))
  return service({
    properties: {},
    processes: [task({ mounts: hostMounts, files: open })],
  })
}

test("Redis takes along /run/redis, and its PrivateTmp, which lies on the host's /tmp", () => {
  expect(tmpfsFiles(service(), surroundings())).toEqual({
    host: ['/run/redis'],
    private: expect.arrayContaining(['/tmp']),
  })
})

/** A boot wipes what is on tmpfs only; /var/tmp is on disk here, but under a name with the boot's id. */
test('every directory of PrivateTmp= is new after a boot, so both go along', () => {
  expect(tmpfsFiles(service(), surroundings()).private).toEqual(['/tmp', '/var/tmp'])
})

test.each([
  [
    'a PID file takes its directory',
    serviceWith({ PIDFile: '/run/memcached/memcached.pid', RuntimeDirectory: '' }),
    ['/run/memcached'],
  ],
  [
    'a PID file right in /run goes alone',
    serviceWith({ PIDFile: '/run/nginx.pid', RuntimeDirectory: '' }),
    ['/run/nginx.pid'],
  ],
  [
    'several runtime directories',
    serviceWith({ PIDFile: '', RuntimeDirectory: 'a b/c' }),
    ['/run/a', '/run/b'],
  ],
  ['a file on disk stays there', serviceWith({ PIDFile: '/var/lib/x/pid', RuntimeDirectory: '' }), []],
])('%s', (_, found, host) => {
  expect(tmpfsFiles(found, surroundings()).host).toEqual(host)
})

test('files that are open, mapped or listened on go along', () => {
  const listener = { type: 'stream', inode: 9001, peer: 0, path: '/run/postgresql/.s.PGSQL.5432' } as const
  const found = unconfined(file(3, '/dev/shm/PostgreSQL.123'), socketFile(4, 9001))
  const mapped = {
    ...found,
    processes: [{ ...found.processes[0]!, mapped: ['/dev/shm/mapped', '/usr/bin/x'] }],
  }
  expect(tmpfsFiles(mapped, surroundings(listener)).host).toEqual([
    '/dev/shm/PostgreSQL.123',
    '/dev/shm/mapped',
    '/run/postgresql',
  ])
})

/** Debian's PostgreSQL binds its socket by that name: /var/run is a link to /run. */
test('a name below /var/run is one below /run', () => {
  const listener = {
    type: 'stream',
    inode: 9001,
    peer: 0,
    path: '/var/run/postgresql/.s.PGSQL.5432',
  } as const
  expect(tmpfsFiles(unconfined(socketFile(4, 9001)), surroundings(listener)).host).toEqual([
    '/run/postgresql',
  ])
})

test('what the platform keeps on tmpfs is not the service’s to bring back', () => {
  const platform = [
    '/run/systemd/notify',
    '/run/udev/data/x',
    '/run/lock/x',
    '/run/user/1000/bus',
    '/run/dbus/x',
  ]
  const found = unconfined(...platform.map((path, index) => file(3 + index, path)))
  expect(tmpfsFiles(found, surroundings()).host).toEqual([])
})

test('deleted files and abstract sockets are left to CRIU', () => {
  const abstract = { type: 'stream', inode: 9001, peer: 0, path: '@name' } as const
  const found = unconfined(
    file(3, '/dev/shm/gone (deleted)'),
    file(4, '/run/x/y (deleted)'),
    socketFile(5, 9001),
  )
  expect(tmpfsFiles(found, surroundings(abstract)).host).toEqual([])
})

test('a directory covers what lies in it', () => {
  const found = unconfined(file(3, '/run/app/deep/one'), file(4, '/run/app/two'), file(5, '/run/app.pid'))
  expect(tmpfsFiles(found, surroundings()).host).toEqual(['/run/app', '/run/app.pid'])
})

test('a name inside the sandbox is looked up where the host has it', () => {
  // /run/redis of the room is bind-mounted from the same directory of the host's /run.
  const found = service({ properties: {}, processes: [task({ files: [file(3, '/run/redis/redis.pid')] })] })
  expect(tmpfsFiles(found, surroundings()).host).toEqual(['/run/redis'])
})

test('what a process keeps in its private /tmp is not looked for in the host’s', () => {
  const found = serviceHolding(file(9, '/tmp/work'))
  expect(tmpfsFiles(found, surroundings()).host).toEqual(['/run/redis'])
})

test('a service without processes has nothing private', () => {
  expect(tmpfsFiles(service({ processes: [] }), surroundings()).private).toEqual([])
})
