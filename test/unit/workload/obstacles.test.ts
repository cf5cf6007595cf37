import { describe, expect, test } from 'vitest'
import type { UnixSocket } from '../../../src/tools/unix-sockets.ts'
import type { ObstacleCode } from '../../../src/workload/obstacle.ts'
import { obstaclesOf, obstaclesOfRestart } from '../../../src/workload/obstacles.ts'
import type { Service } from '../../../src/workload/service.ts'
import {
  file,
  hostNamespaces,
  service,
  serviceHolding,
  serviceWith,
  socketFile,
  surroundings,
  task,
} from './builders.ts'

const adopt = 'kernelswap adopt redis-server.service'
const restart = '--restart redis-server.service'
const stream = (inode: number, peer: number, path = ''): UnixSocket => ({ type: 'stream', inode, peer, path })

test('a stock service that was adopted has none', () => {
  expect(obstaclesOf(service(), surroundings())).toEqual([])
})

test.each([
  ['active', 'running', 0],
  ['active', 'exited', 0],
  ['reloading', 'reload', 0],
  ['inactive', 'dead', 1],
  ['failed', 'failed', 1],
])(
  'a unit that is %s (%s) may be restarted unless the swap would be what starts it',
  (active, sub, count) => {
    const found = obstaclesOfRestart(serviceWith({ ActiveState: active, SubState: sub }))
    expect(found).toHaveLength(count)
  },
)

/** Its unit file goes as it is stopped: nothing would start it again. */
test('a unit of systemd-run is not restarted', () => {
  const transient = serviceWith({ FragmentPath: '/run/systemd/transient/run-u7.service' })
  expect(obstaclesOfRestart(transient)).toMatchObject([{ code: 'transient-unit' }])
})

describe('what the landing does not put back', () => {
  const needs = (...found: string[]) => ({
    ...surroundings(),
    missing: ({ inode }: { readonly inode: number }) => found[inode],
  })
  const holding = (count: number) =>
    service({
      inetSockets: Array.from({ length: count }, (_, inode) => ({
        protocol: 'tcp',
        family: 4,
        ...{ localAddress: '10.0.0.1', localPort: 1, remoteAddress: '0.0.0.0', remotePort: 0 },
        state: 10,
        inode,
      })),
    })

  test('is in the way of a unit whose sockets need it, each need told once', () => {
    expect(obstaclesOf(holding(6), needs('one', 'one', 'two', 'three', 'four', 'five'))).toEqual([
      {
        code: 'network-not-restored',
        reason: 'needs what the landing does not put back: one, two, three, 2 more',
        remedy: restart,
      },
    ])
  })

  test('is none of a unit that has a network namespace of its own', () => {
    const network = { ...hostNamespaces, net: 'net:[4026532310]' }
    const found = { ...holding(1), processes: [task({ namespaces: network })] }
    expect(obstaclesOf(found, needs('one'))).toEqual([])
  })
})

interface Case {
  readonly name: string
  readonly code: ObstacleCode
  readonly service: Service
  readonly sockets?: readonly UnixSocket[]
  readonly reason: RegExp
  readonly remedy: string
}

const ownUsers = { ...hostNamespaces, user: 'user:[4026532300]' }
const ownPids = { ...hostNamespaces, pid: 'pid:[4026532301]' }

const cases: readonly Case[] = [
  {
    name: 'a unit of the platform',
    code: 'platform',
    service: service({ unit: 'systemd-logind.service' }),
    reason: /belongs to the platform/,
    remedy: 'leave it out',
  },
  {
    name: 'a unit that does not run',
    code: 'not-running',
    service: { ...serviceWith({ ActiveState: 'inactive', SubState: 'dead' }), mainPid: 0, processes: [] },
    reason: /is inactive \(dead\)/,
    remedy: 'start it, or leave it out: systemctl start redis-server.service',
  },
  {
    name: 'a unit that is done but counts as active',
    code: 'not-running',
    service: { ...serviceWith({ SubState: 'exited' }), mainPid: 0, processes: [] },
    reason: /is active \(exited\)/,
    remedy: 'start it, or leave it out: systemctl start redis-server.service',
  },
  {
    name: 'a unit of whose processes none is its main one',
    code: 'no-main-process',
    service: { ...serviceWith({ SubState: 'running' }), mainPid: 0 },
    reason: /is active \(running\), and none/,
    remedy: restart,
  },
  {
    name: 'the unit that kernelswap itself runs in, such as cron',
    code: 'runs-kernelswap',
    service: service({ processes: [task(), task({ pid: process.pid, parent: 331 })] }),
    reason: /runs this kernelswap/,
    remedy: 'start kernelswap in a unit of its own: systemd-run --wait --pipe kernelswap …',
  },
  {
    name: 'a unit of systemd-run',
    code: 'transient-unit',
    service: serviceWith({ FragmentPath: '/run/systemd/transient/run-u7.service' }),
    reason: /which ends with the boot/,
    remedy: 'put the unit file into /etc/systemd/system, or --end redis-server.service',
  },
  {
    name: 'PrivateUsers=yes',
    code: 'user-namespace',
    service: service({ processes: [task({ namespaces: ownUsers })] }),
    reason: /user namespace of its own/,
    remedy: adopt,
  },
  {
    name: 'a user namespace that one child made',
    code: 'user-namespace',
    service: service({ processes: [task(), task({ pid: 332, parent: 331, namespaces: ownUsers })] }),
    reason: /user namespace of its own/,
    remedy: adopt,
  },
  {
    name: 'a PID namespace of its own',
    code: 'pid-namespace',
    service: service({ processes: [task({ namespaces: ownPids })] }),
    reason: /PID namespace of its own/,
    remedy: restart,
  },
  {
    name: 'RootDirectory=',
    code: 'root-directory',
    service: serviceWith({ RootDirectory: '/srv' }),
    reason: /root file/,
    remedy: restart,
  },
  {
    name: 'RootImage=',
    code: 'root-directory',
    service: serviceWith({ RootImage: '/srv.raw' }),
    reason: /root file/,
    remedy: restart,
  },
  {
    name: "System V memory in the host's namespace",
    code: 'sysv-ipc',
    service: service({ processes: [task({ mapped: ['/usr/bin/postgres', '/SYSV0112f5a1 (deleted)'] })] }),
    reason: /System V shared memory/,
    remedy: adopt,
  },
  {
    name: 'an instance that a socket has started for a connection',
    code: 'socket-activated',
    service: { ...serviceWith({ TriggeredBy: 'finger.socket' }), unit: 'finger@7-10.0.0.1:79.service' },
    reason: /was started for one connection \(finger.socket\)/,
    remedy: '--end finger@7-10.0.0.1:79.service',
  },
  {
    name: "descriptors in systemd's store",
    code: 'descriptor-store',
    service: serviceWith({ NFileDescriptorStore: '2' }),
    reason: /descriptors in systemd's store/,
    remedy: restart,
  },
  {
    name: 'a D-Bus connection',
    code: 'dbus-connection',
    service: serviceHolding(socketFile(7, 9001)),
    sockets: [stream(9001, 9002, '@c0ffee/bus/redis'), stream(9002, 9001, '/run/dbus/system_bus_socket')],
    reason: /a D-Bus connection/,
    remedy: restart,
  },
  {
    name: 'a connection to another service, as its client',
    code: 'unix-connection',
    service: serviceHolding(socketFile(7, 9001)),
    sockets: [stream(9001, 9002), stream(9002, 9001, '/run/other/socket')],
    reason: /a unix socket connection \(\/run\/other\/socket\)/,
    remedy: restart,
  },
  {
    name: 'a connection from another service, as its server',
    code: 'unix-connection',
    service: serviceHolding(socketFile(7, 9001)),
    sockets: [stream(9001, 9002, '/run/redis/redis.sock'), stream(9002, 9001)],
    reason: /a unix socket connection \(\/run\/redis\/redis.sock\)/,
    remedy: restart,
  },
  {
    name: 'a control group of its own making',
    code: 'control-groups',
    service: service({ processes: [task({ cgroup: '/system.slice/redis-server.service/worker' })] }),
    reason: /control groups of its own making/,
    remedy: restart,
  },
  {
    name: 'a process that does not descend from the main one',
    code: 'no-single-tree',
    service: service({ processes: [task(), task({ pid: 400, parent: 1 })] }),
    reason: /do not descend from its main process \(PID 400\)/,
    remedy: restart,
  },
  {
    name: 'a file from outside its sandbox',
    code: 'foreign-files',
    service: serviceHolding(file(9, '/srv/data', { mountId: 29 })),
    reason: /opened outside its sandbox \(\/srv\/data\)/,
    remedy: restart,
  },
]

test.each(cases)('$name', ({ code, service: found, sockets = [], reason, remedy }) => {
  expect(obstaclesOf(found, surroundings(...sockets))).toEqual([
    { code, reason: expect.stringMatching(reason), remedy },
  ])
})

/** A refusal for nothing costs a restart that wasn't needed. */
describe('no obstacle', () => {
  test.each<[string, Service, UnixSocket[]]>([
    ['a socket that it listens at for systemd', serviceWith({ TriggeredBy: 'redis-server.socket' }), []],
    [
      'an instance that listens for systemd',
      { ...serviceWith({ TriggeredBy: 'app@one.socket' }), unit: 'app@one.service' },
      [],
    ],
    ['timers that trigger it', serviceWith({ TriggeredBy: 'redis.timer redis.path' }), []],
    [
      'System V memory in an IPC namespace of its own',
      service({
        processes: [
          task({
            mapped: ['/SYSV00000000 (deleted)'],
            namespaces: { ...hostNamespaces, ipc: 'ipc:[4026532302]' },
          }),
        ],
      }),
      [],
    ],
    [
      'a socket pair of its own',
      serviceHolding(socketFile(7, 9001), socketFile(8, 9002)),
      [stream(9001, 9002), stream(9002, 9001)],
    ],
    [
      'a socket pair that two of its processes share',
      service({
        processes: [
          task({ files: [socketFile(7, 9001)] }),
          task({ pid: 332, parent: 331, files: [socketFile(7, 9002)] }),
        ],
      }),
      [stream(9001, 9002), stream(9002, 9001)],
    ],
    [
      'a listening unix socket',
      serviceHolding(socketFile(7, 9001)),
      [stream(9001, 0, '/run/redis/redis.sock')],
    ],
    [
      'datagrams to the log',
      serviceHolding(socketFile(7, 9001)),
      [{ type: 'datagram', inode: 9001, peer: 955, path: '' }],
    ],
    [
      'grandchildren, listed before their parents',
      service({
        processes: [task({ pid: 500, parent: 400 }), task({ pid: 400, parent: 331 }), task()],
      }),
      [],
    ],
    ['files of its own mounts', serviceHolding(file(9, '/var/lib/redis/dump.rdb')), []],
  ])('%s', (_, found, sockets) => {
    expect(obstaclesOf(found, surroundings(...sockets))).toEqual([])
  })
})
