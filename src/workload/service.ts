import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isErrno } from '../errors.ts'
import { readNetwork } from '../network/addresses.ts'
import { type Missing, missingAtLanding } from '../network/reach.ts'
import { type InetSocket, tcpEstablished } from '../proc/inet-sockets.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type Properties, showUnits } from '../tools/systemd.ts'
import { type UnixSocket, unixSockets } from '../tools/unix-sockets.ts'
import { InetTables } from './inet-tables.ts'
import { type FileUse, memoryOfProcess, type Process, ProcessReader, readNamespaces } from './process.ts'

/** A systemd service as it runs now. */
export interface Service {
  /** Its own name, whatever alias it was asked for by. */
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
  readonly missing: Missing
}

const wanted = [
  'Id',
  'Names',
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
 * Looks at a service, by any of its names. Pure reading.
 * @throws Failure 'refused' for a unit that doesn't exist.
 */
export async function inspectService(unit: string): Promise<Service> {
  const [service] = await inspectServices([unit])
  return service!
}

/** The same of several: what they have in common (PID 1's answer, mounts, tables of sockets) is read once. */
export async function inspectServices(units: readonly string[]): Promise<Service[]> {
  const shown = await showUnits(units, wanted)
  const reader = new ProcessReader()
  const tables = new InetTables()
  return Promise.all(
    units.map(async (unit, index) => {
      const properties = shown[index]!
      if (properties.LoadState === 'not-found' || !unit.endsWith('.service')) {
        throw new Failure(
          'refused',
          `There is no service ${unit}; \`systemctl list-units --type=service\` lists them.`,
        )
      }
      const controlGroup = properties.ControlGroup ?? ''
      const pids = controlGroup === '' ? [] : await pidsOf(controlGroup)
      const processes = pids.flatMap((pid) => reader.read(pid) ?? [])
      return {
        unit: properties.Id || unit,
        properties,
        mainPid: Number(properties.MainPID),
        controlGroup,
        processes,
        inetSockets: tables.heldBy(processes.map(({ pid }) => pid)),
      }
    }),
  )
}

/** Its own name and its aliases (systemd.unit(5), Alias=). */
export function namesOf({ unit, properties }: Service): string[] {
  return [...new Set([unit, ...(properties.Names ?? '').split(' ')])].filter((name) => name !== '')
}

/** Looks at the host around the services. */
export async function inspectSurroundings(): Promise<Surroundings> {
  const [sockets, network] = await Promise.all([unixSockets(), readNetwork()])
  return {
    namespaces: readNamespaces('self'),
    mounts: parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')),
    unixSockets: new Map(sockets.map((socket) => [socket.inode, socket])),
    missing: missingAtLanding(network),
  }
}

/** What its processes would write into a checkpoint now, in bytes. */
export function memoryOf(service: Service): number {
  return service.processes.reduce((sum, { pid }) => sum + memoryOfProcess(pid), 0)
}

/** Number of its established TCP connections. */
export function connectionsOf(service: Service): number {
  return service.inetSockets.filter(({ protocol, state }) => protocol === 'tcp' && state === tcpEstablished)
    .length
}

/** Where in file systems the processes of control groups are at work now. */
export async function fileUses(controlGroups: readonly string[]): Promise<FileUse[][]> {
  const reader = new ProcessReader()
  const pids = await Promise.all(controlGroups.map(pidsOf))
  return pids.map((group) => group.flatMap((pid) => reader.readUse(pid) ?? []))
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
