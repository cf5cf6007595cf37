import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isErrno } from '../errors.ts'
import { type InetSocket, parseInetSockets, tcpEstablished } from '../proc/inet-sockets.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type Properties, showUnit } from '../tools/systemd.ts'
import { type UnixSocket, unixSockets } from '../tools/unix-sockets.ts'
import { type Process, readNamespaces, readProcess } from './process.ts'

/** A systemd service as it runs now. */
export interface Service {
  readonly unit: string
  readonly properties: Properties
  readonly mainPid: number
  readonly controlGroup: string
  /** Every process in its control group. */
  readonly processes: readonly Process[]
  /** TCP and UDP sockets its processes hold. */
  readonly inetSockets: readonly InetSocket[]
}

/** What a service is looked at against: the host around it. */
export interface Surroundings {
  readonly namespaces: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** Unix sockets by inode. */
  readonly unixSockets: ReadonlyMap<number, UnixSocket>
}

const wanted = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'Type',
  'MainPID',
  'ControlGroup',
  'TriggeredBy',
  'PIDFile',
  'RuntimeDirectory',
  'RootDirectory',
  'RootImage',
  'NoExecPaths',
  'SyslogIdentifier',
  'ExecStart',
  'NFileDescriptorStore',
  'PrivateUsers',
  'PrivateIPC',
  'FragmentPath',
]

/**
 * Looks at a running service. Pure reading.
 * @throws Failure 'refused' for a unit that doesn't exist or doesn't run.
 */
export async function inspectService(unit: string): Promise<Service> {
  const properties = await showUnit(unit, wanted)
  if (properties.LoadState === 'not-found' || !unit.endsWith('.service')) {
    throw new Failure(
      'refused',
      `There is no service ${unit}; \`systemctl list-units --type=service\` lists them.`,
    )
  }
  const controlGroup = properties.ControlGroup ?? ''
  const processes = controlGroup === '' ? [] : await processesOf(controlGroup)
  return {
    unit,
    properties,
    mainPid: Number(properties.MainPID),
    controlGroup,
    processes,
    inetSockets: await inetSocketsOf(processes.map(({ pid }) => pid)),
  }
}

/** Looks at the host around the services. */
export async function inspectSurroundings(): Promise<Surroundings> {
  const sockets = await unixSockets()
  return {
    namespaces: await readNamespaces('self'),
    mounts: parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')),
    unixSockets: new Map(sockets.map((socket) => [socket.inode, socket])),
  }
}

/** Sum of what its processes would write into a checkpoint, in bytes. */
export function memoryOf(service: Service): number {
  return service.processes.reduce((sum, process) => sum + process.memoryBytes, 0)
}

/** Number of its established TCP connections. */
export function connectionsOf(service: Service): number {
  return service.inetSockets.filter(({ protocol, state }) => protocol === 'tcp' && state === tcpEstablished)
    .length
}

/** PIDs of every process in a control group and those below it. */
export async function pidsOf(controlGroup: string): Promise<number[]> {
  const directory = join('/sys/fs/cgroup', controlGroup)
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    const below = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => pidsOf(join(controlGroup, entry.name)))
    const own = (await readFile(join(directory, 'cgroup.procs'), 'utf8')).trim().split('\n').filter(Boolean)
    return [...own.map(Number), ...(await Promise.all(below)).flat()]
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return []
    throw error
  }
}

async function processesOf(controlGroup: string): Promise<Process[]> {
  const processes = await Promise.all((await pidsOf(controlGroup)).map(readProcess))
  return processes.filter((process) => process !== undefined)
}

/** TCP and UDP sockets that these processes hold, from the network namespace of the first. */
export async function inetSocketsOf(pids: readonly number[]): Promise<InetSocket[]> {
  const first = pids[0]
  if (first === undefined) return []
  const inodes = new Set((await Promise.all(pids.map(socketInodes))).flat())
  return (await inetSockets(first)).filter(({ inode }) => inodes.has(inode))
}

/** Every TCP and UDP socket of a process's network namespace. */
export async function inetSockets(pid: number): Promise<InetSocket[]> {
  const tables = [
    ['tcp', 'tcp', 4],
    ['tcp6', 'tcp', 6],
    ['udp', 'udp', 4],
    ['udp6', 'udp', 6],
  ] as const
  const sockets = await Promise.all(
    tables.map(async ([file, protocol, family]) => {
      // A kernel without IPv6 has no tcp6.
      const text = await readFile(`/proc/${pid}/net/${file}`, 'utf8').catch(() => '')
      return parseInetSockets(text, protocol, family)
    }),
  )
  return sockets.flat()
}

/** Inodes of the sockets that a process holds; [] for one that has ended. */
export async function socketInodes(pid: number): Promise<number[]> {
  const directory = `/proc/${pid}/fd`
  const fds = await readdir(directory).catch(() => [])
  const targets = await Promise.all(fds.map((fd) => readlink(join(directory, fd)).catch(() => '')))
  return targets.map((target) => Number(/^socket:\[(\d+)\]$/.exec(target)?.[1])).filter((inode) => inode > 0)
}
