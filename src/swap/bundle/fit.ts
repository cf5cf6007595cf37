import { readdir, readFile, writeFile } from 'node:fs/promises'
import { BlockList, isIPv6 } from 'node:net'
import { type BundleIndex, type BundleSocket, bytesOfBundle } from '../../archive/bundle.ts'
import { isErrno, messageOf } from '../../errors.ts'
import { paths } from '../../paths.ts'
import { unifiedGroup } from '../../proc/cgroup.ts'
import { socketInodes } from '../../proc/descriptors.ts'
import { type InetSocket, tcpListen } from '../../proc/inet-sockets.ts'
import { parseKeyedLines } from '../../proc/keyed-lines.ts'
import { links } from '../../tools/ip.ts'
import { inetSockets } from '../../workload/inet-tables.ts'
import { inspectWorkload } from '../../workload/kinds.ts'
import type { Obstacle } from '../../workload/obstacle.ts'
import type { TaskTree } from '../../workload/task-tree.ts'
import type { Workload } from '../../workload/workload.ts'
import { pidMax } from '../host/kernels.ts'
import { criuObstacles } from '../phases/check.ts'
import { freeBytes } from '../store.ts'

/**
 * What keeps this host from restoring a bundle. Changes nothing.
 * @param atReboot it is the next boot that restores: what runs now is no matter then
 */
export async function bundleObstacles(index: BundleIndex, atReboot: boolean): Promise<Obstacle[]> {
  const looked = await Promise.all(index.units.map(lookAt))
  const workloads = looked.flatMap(({ workload }) => workload ?? [])
  return [
    ...looked.flatMap(({ obstacles }) => obstacles),
    ...(await criuObstacles()),
    ...(await spaceObstacles(index)),
    ...addressObstacles(index.sockets, await hostAddresses()),
    ...(atReboot ? [] : await pidObstacles(index, workloads)),
    ...(atReboot ? [] : await portObstacles(index, workloads)),
  ]
}

interface Look {
  readonly workload?: Workload
  readonly obstacles: readonly Obstacle[]
}

async function lookAt(unit: string): Promise<Look> {
  try {
    const workload = await inspectWorkload(unit)
    return { workload, obstacles: [...aliasObstacles(unit, workload), ...roomObstacles(workload)] }
  } catch (error) {
    return {
      obstacles: [
        {
          code: 'unit-not-loaded',
          reason: messageOf(error),
          remedy: 'install what brings it, as it was there',
        },
      ],
    }
  }
}

/** The landing, and the control group it restores into, go by a unit's own name. */
function aliasObstacles(unit: string, workload: Workload): Obstacle[] {
  if (workload.unit === unit) return []
  const reason = `${unit} is another name of ${workload.unit} here`
  return [{ code: 'unit-alias', reason, remedy: `give ${unit} a unit file of its own` }]
}

/** The processes come back into the room that systemd makes for them here. */
function roomObstacles(workload: Workload): Obstacle[] {
  return workload
    .obstaclesToArrive()
    .map((obstacle) => ({ ...obstacle, reason: `${workload.unit} ${obstacle.reason}` }))
}

async function spaceObstacles(index: BundleIndex): Promise<Obstacle[]> {
  const [need, free] = [bytesOfBundle(index), await freeBytes()]
  if (free >= need) return []
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1024 / 1024)
  return [
    {
      code: 'disk-space',
      reason: `${paths.state} has ${mebibytes(free)} MiB free, the bundle needs ${mebibytes(need)} MiB`,
      remedy: `free ${mebibytes(need - free)} MiB there`,
    },
  ]
}

async function hostAddresses(): Promise<string[]> {
  return (await links()).flatMap(({ addr_info }) => addr_info.map(({ local }) => local))
}

/** Addresses that sockets of the bundle are bound to and the host doesn't have. */
export function addressObstacles(sockets: readonly BundleSocket[], addresses: readonly string[]): Obstacle[] {
  const here = bindable(addresses)
  const missing = sockets
    .map(({ address }) => address)
    .filter((address) => !here.check(address, familyOf(address)))
  return [...new Set(missing)].map((address) => ({
    code: 'address-missing',
    reason: `sockets are bound to ${address}, which is no address of this host`,
    remedy: `give this host that address: ip address add ${address} dev LINK`,
  }))
}

/** Its own addresses, and those that every host has: any, loopback and groups. */
function bindable(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const address of ['0.0.0.0', '::', ...addresses]) list.addAddress(address, familyOf(address))
  list.addSubnet('127.0.0.0', 8)
  list.addAddress('::1', 'ipv6')
  list.addSubnet('224.0.0.0', 4)
  list.addSubnet('ff00::', 8, 'ipv6')
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/** PIDs and thread IDs that a bundle's processes come back with: CRIU keeps an image of each. */
export function pidsIn({ files }: BundleIndex): number[] {
  return files.flatMap(({ name }) => {
    const pid = /^workloads\/[^/]+\/images\/core-(\d+)\.img$/.exec(name)?.[1]
    return pid === undefined ? [] : [Number(pid)]
  })
}

/** Processes that have a PID of the bundle, unless they are those of its units, which end before. */
async function pidObstacles(index: BundleIndex, workloads: readonly TaskTree[]): Promise<Obstacle[]> {
  const pids = pidsIn(index)
  const most = Number(await readFile('/proc/sys/kernel/pid_max', 'utf8'))
  const last = Math.max(...pids)
  if (last >= most) {
    const reason = `PID ${last} of the bundle is more than this host gives out (kernel.pid_max is ${most})`
    return [{ code: 'pid-limit', reason, remedy: `sysctl kernel.pid_max=${pidMax}` }]
  }
  const holders = await Promise.all(pids.map(readHolder))
  return holders
    .filter((holder) => holder !== undefined)
    .filter(({ controlGroup }) => !workloads.some((workload) => isBelow(controlGroup, workload.controlGroup)))
    .map(({ pid, who }) => ({
      code: 'pid-taken',
      reason: `PID ${pid} is taken by ${who}`,
      remedy: 'end it, or let the next boot restore, before it has given out PIDs: --reboot',
    }))
}

/**
 * Has new processes get later PIDs than the bundle's: nobody may take one before the restore. A host that has given out
 * later ones won't.
 */
export async function keepPidsFree(index: BundleIndex): Promise<void> {
  const counter = '/proc/sys/kernel/ns_last_pid'
  const last = Math.max(...pidsIn(index))
  if (Number(await readFile(counter, 'utf8')) < last) await writeFile(counter, String(last))
}

interface Holder {
  readonly pid: number
  readonly controlGroup: string
  /** Its name and unit. */
  readonly who: string
}

/** Who has a PID or thread ID; undefined where nobody has. */
async function readHolder(pid: number): Promise<Holder | undefined> {
  try {
    const status = parseKeyedLines(await readFile(`/proc/${pid}/status`, 'utf8'))
    const controlGroup = unifiedGroup(await readFile(`/proc/${pid}/cgroup`, 'utf8'))
    const unit = controlGroup.split('/').findLast((part) => /\.(service|scope)$/.test(part))
    const where = unit ?? (controlGroup === '/' ? 'the kernel' : controlGroup)
    return { pid, controlGroup, who: `${status.get('Name')} of ${where}` }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}

function isBelow(controlGroup: string, ancestor: string): boolean {
  return ancestor !== '' && (controlGroup === ancestor || controlGroup.startsWith(`${ancestor}/`))
}

/** Others than the bundle's units that are where its sockets will be. */
async function portObstacles(index: BundleIndex, workloads: readonly TaskTree[]): Promise<Obstacle[]> {
  const own = new Set(workloads.flatMap(({ inetSockets }) => inetSockets.map(({ inode }) => inode)))
  const others = inetSockets(process.pid).filter(({ inode }) => !own.has(inode))
  const taken = takenPorts(index.sockets, others)
  return Promise.all(
    taken.map(
      async ({ localAddress, localPort, inode }): Promise<Obstacle> => ({
        code: 'port-taken',
        reason: `${localAddress} port ${localPort} is taken by ${await nameHolder(inode)}`,
        remedy: 'stop that unit',
      }),
    ),
  )
}

/** Those of some sockets that are in the way of one of the bundle: TCP where both listen, UDP wherever it is bound. */
export function takenPorts(wanted: readonly BundleSocket[], present: readonly InetSocket[]): InetSocket[] {
  const places = wanted.filter(({ protocol, listens }) => listens || protocol === 'udp')
  return present.filter(
    (socket) =>
      (socket.state === tcpListen || socket.protocol === 'udp') &&
      places.some(
        ({ protocol, address, port }) =>
          protocol === socket.protocol && port === socket.localPort && meet(address, socket.localAddress),
      ),
  )
}

/** Two sockets are in each other's way at the same address, or where one of them takes any. */
function meet(one: string, other: string): boolean {
  return one === other || [one, other].some((address) => /^[0:.]+$/.test(address))
}

async function nameHolder(inode: number): Promise<string> {
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (pid > 0 && socketInodes(pid).includes(inode))
      return (await readHolder(pid))?.who ?? 'a process that has ended'
  }
  return 'the kernel'
}
