import { boundSockets } from './bound-sockets.ts'
import type { Obstacle } from './obstacle.ts'
import { isPlatform } from './platform.ts'
import { useIoUring } from './process.ts'
import { journalStreams, peerPath, roomTies } from './room.ts'
import { endsWithBoot, isForOneConnection, type Service, socketsOf } from './service.ts'
import type { Surroundings } from './surroundings.ts'
import type { TaskTree } from './task-tree.ts'

/** What can be seen without a checkpoint; the first obstacle is the one to mend first. */
export function obstaclesOf(service: Service, surroundings: Surroundings): Obstacle[] {
  return rules.flatMap((rule) => rule(service, surroundings) ?? [])
}

/** What the settings of a unit alone say, whether it runs or not. */
export function obstaclesOfSettings(service: Service): Obstacle[] {
  return [hasOwnRoot, isSocketActivated, isNotLoaded, getsUserNamespace].flatMap(
    (rule) => rule(service) ?? [],
  )
}

function isNotLoaded({ unit, properties }: Service): Obstacle | undefined {
  if (properties.LoadState === 'loaded') return undefined
  return {
    code: 'unit-not-loaded',
    reason: `is ${properties.LoadState} here`,
    remedy: `systemctl status ${unit} tells more`,
  }
}

function getsUserNamespace({ unit, properties }: Service): Obstacle | undefined {
  if (['', 'no', undefined].includes(properties.PrivateUsers)) return undefined
  return {
    code: 'user-namespace',
    reason: `gets a user namespace of its own here (PrivateUsers=${properties.PrivateUsers})`,
    remedy: `kernelswap adopt ${unit}`,
  }
}

/** What keeps a unit from being stopped before a swap and started after. */
export function obstaclesOfRestart(service: Service): Obstacle[] {
  return [doesNotRun, endsWithTheBoot].flatMap((rule) => rule(service) ?? [])
}

/** It would be started. */
function doesNotRun({ unit, properties }: Service): Obstacle | undefined {
  if (['active', 'reloading', 'activating'].includes(properties.ActiveState ?? '')) return undefined
  const reason = `is ${properties.ActiveState} (${properties.SubState}), so there is nothing to restart`
  return { code: 'not-running', reason, remedy: `start it, or leave it out: systemctl start ${unit}` }
}

type Rule = (service: Service, surroundings: Surroundings) => Obstacle | undefined

const rules: readonly Rule[] = [
  belongsToPlatform,
  isNotRunning,
  runsUs,
  hasOwnUserNamespace,
  hasOwnPidNamespace,
  hasOwnRoot,
  usesSystemVMemory,
  usesIoUring,
  servesOneConnection,
  keepsDescriptorsInStore,
  talksToOthersByUnixStream,
  isSpreadOverControlGroups,
  isNoSingleTree,
  holdsForeignFiles,
  showsSocketOfOthers,
  endsWithTheBoot,
  needsMoreThanTheLanding,
]

function belongsToPlatform({ unit }: Service): Obstacle | undefined {
  if (!isPlatform(unit)) return undefined
  return {
    code: 'platform',
    reason: 'belongs to the platform, which every boot starts afresh',
    remedy: 'leave it out',
  }
}

function isNotRunning({ unit, mainPid, properties, processes }: Service): Obstacle | undefined {
  if (mainPid > 0 && properties.ActiveState === 'active' && properties.SubState === 'running')
    return undefined
  const state = `is ${properties.ActiveState} (${properties.SubState})`
  // Scripts of System V start theirs so that systemd doesn't know which (systemd.service(5), GuessMainPID=).
  if (processes.length > 0 && properties.ActiveState === 'active')
    return {
      code: 'no-main-process',
      reason: `${state}, and none of its processes is its main one`,
      remedy: restartRemedy(unit),
    }
  return {
    code: 'not-running',
    reason: `${state} and has no running main process`,
    remedy: `start it, or leave it out: systemctl start ${unit}`,
  }
}

function endsWithTheBoot({ unit, properties }: Service): Obstacle | undefined {
  if (!endsWithBoot(properties)) return undefined
  return {
    code: 'transient-unit',
    reason: `has its unit file in ${properties.FragmentPath}, which ends with the boot`,
    remedy: `put the unit file into /etc/systemd/system, or --end ${unit}`,
  }
}

function runsUs({ processes }: Service): Obstacle | undefined {
  if (processes.every(({ pid }) => pid !== process.pid)) return undefined
  return {
    code: 'runs-kernelswap',
    reason: 'runs this kernelswap, which cannot checkpoint itself',
    remedy: 'start kernelswap in a unit of its own: systemd-run --wait --pipe kernelswap …',
  }
}

function hasOwnUserNamespace(
  { unit, processes }: Service,
  { namespaces }: Surroundings,
): Obstacle | undefined {
  if (processes.every((process) => process.namespaces.user === namespaces.user)) return undefined
  return {
    code: 'user-namespace',
    reason: 'runs in a user namespace of its own (PrivateUsers=yes), which CRIU cannot dump',
    remedy: `kernelswap adopt ${unit}`,
  }
}

function hasOwnPidNamespace(
  { unit, processes }: Service,
  { namespaces }: Surroundings,
): Obstacle | undefined {
  if (processes.every((process) => process.namespaces.pid === namespaces.pid)) return undefined
  return { code: 'pid-namespace', reason: 'runs in a PID namespace of its own', remedy: restartRemedy(unit) }
}

function hasOwnRoot({ unit, properties }: Service): Obstacle | undefined {
  if (!properties.RootDirectory && !properties.RootImage) return undefined
  return {
    code: 'root-directory',
    reason: 'has a root file system of its own (RootDirectory= or RootImage=)',
    remedy: restartRemedy(unit),
  }
}

function usesSystemVMemory(service: Service, { namespaces }: Surroundings): Obstacle | undefined {
  const inHostNamespace = service.processes.filter((process) => process.namespaces.ipc === namespaces.ipc)
  if (!inHostNamespace.some(({ mapped }) => mapped.some((path) => path.startsWith('/SYSV')))) return undefined
  return {
    code: 'sysv-ipc',
    reason: "uses System V shared memory in the host's IPC namespace, which CRIU cannot dump",
    remedy: `kernelswap adopt ${service.unit}`,
  }
}

function usesIoUring({ unit, processes }: Service): Obstacle | undefined {
  if (!useIoUring(processes)) return undefined
  return {
    code: 'io-uring',
    reason: 'uses io_uring, which CRIU cannot dump (criu issue 2131)',
    remedy: `kernelswap adopt ${unit}`,
  }
}

/** Its connection may come from elsewhere, and end at any time. */
function servesOneConnection(service: Service): Obstacle | undefined {
  if (!isForOneConnection(service)) return undefined
  return {
    code: 'socket-activated',
    reason: `was started for one connection (${service.properties.TriggeredBy})`,
    remedy: `--end ${service.unit}`,
  }
}

function isSocketActivated(service: Service): Obstacle | undefined {
  const sockets = socketsOf(service)
  if (sockets.length === 0) return undefined
  return {
    code: 'socket-activated',
    reason: `shares its listening socket with systemd (${sockets.join(', ')})`,
    remedy: restartRemedy(service.unit),
  }
}

function keepsDescriptorsInStore({ unit, properties }: Service): Obstacle | undefined {
  if (Number(properties.NFileDescriptorStore ?? 0) === 0) return undefined
  return {
    code: 'descriptor-store',
    reason: "keeps descriptors in systemd's store, which no boot keeps",
    remedy: restartRemedy(unit),
  }
}

function talksToOthersByUnixStream(service: Service, surroundings: Surroundings): Obstacle | undefined {
  const own = new Set(service.processes.flatMap(({ files }) => files.map(({ socket }) => socket)))
  const journal = new Set(journalStreams(service, surroundings))
  for (const inode of own) {
    const socket = inode === undefined ? undefined : surroundings.unixSockets.get(inode)
    if (!socket || socket.type === 'datagram' || socket.peer === 0) continue
    if (own.has(socket.peer) || journal.has(socket.inode)) continue
    const path = peerPath(socket.inode, surroundings) || socket.path
    const isBus = path.endsWith('/dbus/system_bus_socket')
    const what = isBus ? 'a D-Bus connection' : `a unix socket connection (${path})`
    return {
      code: isBus ? 'dbus-connection' : 'unix-connection',
      reason: `holds ${what}, whose other end does not come along`,
      remedy: restartRemedy(service.unit),
    }
  }
  return undefined
}

function isSpreadOverControlGroups({ unit, controlGroup, processes }: Service): Obstacle | undefined {
  if (processes.every(({ cgroup }) => cgroup === controlGroup)) return undefined
  return {
    code: 'control-groups',
    reason: 'has processes in control groups of its own making',
    remedy: restartRemedy(unit),
  }
}

function isNoSingleTree({ unit, mainPid, processes }: Service): Obstacle | undefined {
  const tree = new Set([mainPid])
  // Parents may come after their children in the list: go on until nothing is added.
  for (let size = 0; size !== tree.size; ) {
    size = tree.size
    for (const process of processes) if (tree.has(process.parent)) tree.add(process.pid)
  }
  const strangers = processes.filter(({ pid }) => !tree.has(pid)).map(({ pid }) => pid)
  if (strangers.length === 0 || mainPid === 0) return undefined
  return {
    code: 'no-single-tree',
    reason: `has processes that do not descend from its main process (PID ${strangers.join(', ')})`,
    remedy: restartRemedy(unit),
  }
}

function holdsForeignFiles(service: Service, surroundings: Surroundings): Obstacle | undefined {
  const { foreign } = roomTies(service, surroundings)
  if (foreign.length === 0) return undefined
  return {
    code: 'foreign-files',
    reason: `holds files that were opened outside its sandbox (${foreign.join(', ')})`,
    remedy: restartRemedy(service.unit),
  }
}

/** Where a socket is mounted that nobody makes before the room: systemd would not start the unit, or without it. */
function showsSocketOfOthers(service: Service, surroundings: Surroundings): Obstacle | undefined {
  const missing = boundSockets(service.processes, surroundings).filter(
    (path) => !surroundings.socketUnits.has(path),
  )
  if (missing.length === 0) return undefined
  return {
    code: 'bound-socket',
    reason: `shows sockets of other services in its sandbox (${missing.join(', ')}), which are not there when it is made`,
    remedy: restartRemedy(service.unit),
  }
}

/** Needs that are told of; the others are like them. */
const mostNeeds = 3

/** What its sockets need of the network and no landing puts back: it would start cold. */
export function needsMoreThanTheLanding(
  { unit, processes, inetSockets }: TaskTree,
  { namespaces, missing }: Pick<Surroundings, 'namespaces' | 'missing'>,
): Obstacle | undefined {
  // Another network namespace has addresses of its own.
  if (!processes.some((process) => process.namespaces.net === namespaces.net)) return undefined
  const needs = [...new Set(inetSockets.flatMap((socket) => missing(socket) ?? []))]
  if (needs.length === 0) return undefined
  const more = needs.length > mostNeeds ? [`${needs.length - mostNeeds} more`] : []
  return {
    code: 'network-not-restored',
    reason: `needs what the landing does not put back: ${[...needs.slice(0, mostNeeds), ...more].join(', ')}`,
    remedy: restartRemedy(unit),
  }
}

function restartRemedy(unit: string): string {
  return `--restart ${unit}`
}
