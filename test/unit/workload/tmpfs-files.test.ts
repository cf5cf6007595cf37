import { expect, test } from 'vitest'
import { parseMountinfo } from '../../../src/proc/mountinfo.ts'
import type { FileUse, OpenFile } from '../../../src/workload/process.ts'
import type { Service } from '../../../src/workload/service.ts'
import type { Surroundings } from '../../../src/workload/surroundings.ts'
import { type TmpfsFiles, tmpfsFiles } from '../../../src/workload/tmpfs-files.ts'
import { fixture } from '../fixture.ts'
import { file, service, serviceHolding, serviceWith, socketFile, surroundings, task } from './builders.ts'

const hostMounts = parseMountinfo(fixture('proc/mountinfo-host'))

/** What goes along for a service whose processes are at work where they were when it was looked at. */
function filesOf(found: Service, around: Surroundings = surroundings()): TmpfsFiles {
  const uses = found.processes.map(({ pid, files, mapped, mounts }): FileUse => {
    const sockets = files.flatMap(({ socket }) => socket ?? [])
    return { pid, open: ['/', ...files.map(({ target }) => target)], sockets, mapped, mounts }
  })
  return tmpfsFiles(found, uses, around)
}

/** A service without a sandbox sees the host's mounts. */
function unconfined(...files: readonly OpenFile[]) {
  const open = files.map((one) => ({ ...one, mountId: 29 }))
  return service({
    properties: {},
    processes: [task({ mounts: hostMounts, files: open })],
  })
}

test("Redis takes along /run/redis, and its PrivateTmp, which lies on the host's /tmp", () => {
  expect(filesOf(service())).toEqual({
    host: ['/run/redis'],
    parents: [],
    private: expect.arrayContaining(['/tmp']),
  })
})

/** A boot wipes what is on tmpfs only; /var/tmp is on disk here, but under a name with the boot's id. */
test('every directory of PrivateTmp= is new after a boot, so both go along', () => {
  expect(filesOf(service()).private).toEqual(['/tmp', '/var/tmp'])
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
  expect(filesOf(found).host).toEqual(host)
})

test('files that are open, mapped or listened on go along', () => {
  const listener = { type: 'stream', inode: 9001, peer: 0, path: '/run/postgresql/.s.PGSQL.5432' } as const
  const found = unconfined(file(3, '/dev/shm/PostgreSQL.123'), socketFile(4, 9001))
  const mapped = {
    ...found,
    processes: [{ ...found.processes[0]!, mapped: ['/dev/shm/mapped', '/usr/bin/x'] }],
  }
  expect(filesOf(mapped, surroundings(listener)).host).toEqual([
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
  expect(filesOf(unconfined(socketFile(4, 9001)), surroundings(listener)).host).toEqual(['/run/postgresql'])
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
  expect(filesOf(found).host).toEqual([])
})

test('deleted files and abstract sockets are left to CRIU', () => {
  const abstract = { type: 'stream', inode: 9001, peer: 0, path: '@name' } as const
  const found = unconfined(
    file(3, '/dev/shm/gone (deleted)'),
    file(4, '/run/x/y (deleted)'),
    socketFile(5, 9001),
  )
  expect(filesOf(found, surroundings(abstract)).host).toEqual([])
})

test('a directory covers what lies in it', () => {
  const found = unconfined(file(3, '/run/app/deep/one'), file(4, '/run/app/two'), file(5, '/run/app.pid'))
  expect(filesOf(found).host).toEqual(['/run/app', '/run/app.pid'])
})

test('a name inside the sandbox is looked up where the host has it', () => {
  // /run/redis of the room is bind-mounted from the same directory of the host's /run.
  const found = service({ properties: {}, processes: [task({ files: [file(3, '/run/redis/redis.pid')] })] })
  expect(filesOf(found).host).toEqual(['/run/redis'])
})

test('what a process keeps in its private /tmp is not looked for in the host’s', () => {
  const found = serviceHolding(file(9, '/tmp/work'))
  expect(filesOf(found).host).toEqual(['/run/redis'])
})

test('a service without processes has nothing private', () => {
  expect(filesOf(service({ processes: [] })).private).toEqual([])
})

/** The host's /tmp is a tmpfs, as in Debian 13. */
const tmp = { ...hostMounts.find(({ target }) => target === '/dev/shm')!, target: '/tmp', device: '0:99' }

test('what a process has opened since it was planned, and where it works, goes along with the directories above', () => {
  const mounts = [...hostMounts, tmp]
  const use = {
    pid: 331,
    open: ['/tmp/mine/work', '/tmp/mine/deep/log', '/dev/shm/new'],
    sockets: [],
    mapped: [],
    mounts,
  }
  expect(tmpfsFiles(service({ properties: {} }), [use], { ...surroundings(), mounts })).toMatchObject({
    host: ['/dev/shm/new', '/tmp/mine/deep/log', '/tmp/mine/work'],
    parents: ['/tmp/mine', '/tmp/mine/deep'],
  })
})

test('who works in a mount point itself doesn’t take along what all others keep there', () => {
  const mounts = [...hostMounts, tmp]
  const use = { pid: 331, open: ['/tmp', '/dev/shm'], sockets: [], mapped: [], mounts }
  expect(tmpfsFiles(service({ properties: {} }), [use], { ...surroundings(), mounts }).host).toEqual([])
})
