import { parseMountinfo } from '../../../src/proc/mountinfo.ts'
import { parseProperties } from '../../../src/tools/systemd.ts'
import { parseUnixSockets, type UnixSocket } from '../../../src/tools/unix-sockets.ts'
import type { OpenFile, Process } from '../../../src/workload/process.ts'
import type { Service } from '../../../src/workload/service.ts'
import type { Surroundings } from '../../../src/workload/surroundings.ts'
import { workloadOf } from '../../../src/workload/systemd-service.ts'
import type { Workload } from '../../../src/workload/workload.ts'
import { fixture } from '../fixture.ts'

const hostMounts = parseMountinfo(fixture('proc/mountinfo-host'))
const redisMounts = parseMountinfo(fixture('proc/mountinfo-redis'))
const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
export const hostNamespaces: Readonly<Record<string, string>> = Object.fromEntries(
  kinds.map((kind, index) => [kind, `${kind}:[${4_026_531_830 + index}]`]),
)

/** The journal stream on fd 1 and 2 of Redis on the machine of the fixtures. */
export const journalInode = 2251

/** The machine of the fixtures, with more unix sockets if given. */
export function surroundings(...more: readonly UnixSocket[]): Surroundings {
  const sockets = [...parseUnixSockets(fixture('ss/unix')), ...more]
  return {
    namespaces: hostNamespaces,
    mounts: hostMounts,
    unixSockets: new Map(sockets.map((socket) => [socket.inode, socket])),
    socketUnits: new Map([['/run/systemd/journal/dev-log', 'systemd-journald-dev-log.socket']]),
    missing: () => undefined,
  }
}

export function file(fd: number, target: string, more: Partial<OpenFile> = {}): OpenFile {
  const mountId = redisMounts[0]!.id
  return { fd, target, socket: undefined, mountId, inode: 1000 + fd, kind: 'file', ...more }
}

export function socketFile(fd: number, inode: number): OpenFile {
  return file(fd, `socket:[${inode}]`, { socket: inode, mountId: 10, inode, kind: 'other' })
}

/** Its standard streams, as systemd opened them outside its mount namespace. */
export const standardFiles: readonly OpenFile[] = [
  file(0, '/dev/null', { mountId: 26, inode: 4, kind: 'null' }),
  socketFile(1, journalInode),
  socketFile(2, journalInode),
]

/** Redis's process in its own room, but in the host's user and IPC namespaces. */
export function task(more: Partial<Process> = {}): Process {
  return {
    pid: 331,
    parent: 1,
    uid: 101,
    namespaces: { ...hostNamespaces, mnt: 'mnt:[4026532400]', uts: 'uts:[4026532401]' },
    cgroup: '/system.slice/redis-server.service',
    files: standardFiles,
    mounts: redisMounts,
    areas: 60,
    mapped: ['/usr/bin/redis-server'],
    ...more,
  }
}

/** Redis as Debian installs it, after `kernelswap adopt`. */
export function service(more: Partial<Service> = {}): Service {
  return {
    unit: 'redis-server.service',
    properties: parseProperties(fixture('systemd/redis-server.properties')),
    mainPid: 331,
    controlGroup: '/system.slice/redis-server.service',
    processes: [task()],
    inetSockets: [],
    ...more,
  }
}

/** The same as a workload. */
export function workload(more: Partial<Service> = {}): Workload {
  return workloadOf(service(more))
}

/** The same with some properties of its unit set. */
export function serviceWith(properties: Readonly<Record<string, string>>): Service {
  return service({ properties: { ...service().properties, ...properties } })
}

/** The same with other files open besides its standard streams. */
export function serviceHolding(...files: readonly OpenFile[]): Service {
  return service({ processes: [task({ files: [...standardFiles, ...files] })] })
}
