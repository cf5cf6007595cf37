import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  controlGroupOf,
  runningServices,
  showUnits,
  signalUnits,
  startUnits,
  stopUnits,
  stopUnitsAlone,
  wordsIn,
} from '../tools/systemd.ts'
import { adoptionsOf } from './adopt.ts'
import { boundSockets } from './bound-sockets.ts'
import { checkpointTree } from './checkpoint.ts'
import { obstaclesOf, obstaclesOfRestart, obstaclesOfSettings } from './obstacles.ts'
import { heldBack, placeholderOf } from './placeholder.ts'
import { isPlatform } from './platform.ts'
import { roomTies } from './room.ts'
import { inspectServices, type Service, socketsOf } from './service.ts'
import { tmpfsFiles } from './tmpfs-files.ts'
import type { Workload, WorkloadKind } from './workload.ts'

/** Services that systemd supervises. */
export const systemdService: WorkloadKind = {
  owns: (unit) => unit.endsWith('.service'),
  running,
  inspect: async (units) => (await inspectServices(units)).map(workloadOf),
  async supervision(units) {
    const shown = await showUnits(units, ['ActiveState', 'SubState', 'MainPID', 'ControlGroup'])
    return shown.map(({ ActiveState, SubState, MainPID, ControlGroup = '' }) => ({
      isActive: ActiveState === 'active',
      mainPid: Number(MainPID),
      controlGroup: ControlGroup,
      state: `${ActiveState} (${SubState})`,
    }))
  },
  async controlGroups(units) {
    const shown = await showUnits(units, ['Slice'])
    return units.map((unit, index) => join(controlGroupOf(shown[index]!.Slice ?? ''), unit))
  },
  start: startWithSockets,
  stop: (units, isAlone) => (isAlone ? stopUnitsAlone(units) : stopUnits(units)),
  kill: (units) => signalUnits(units, 'SIGKILL', 'all'),
}

/** A service as a workload. */
export function workloadOf(service: Service): Workload {
  return {
    ...service,
    names: [...new Set([service.unit, ...wordsIn(service.properties.Names)])],
    obstacles: (surroundings) => obstaclesOf(service, surroundings),
    obstaclesToRestart: () => obstaclesOfRestart(service),
    notes: () => notesOf(service),
    obstaclesToArrive: () => obstaclesOfSettings(service),
    adoptions: (surroundings) => adoptionsOf(service, surroundings),
    ties: (surroundings) => roomTies(service, surroundings),
    boundSockets: (surroundings) => [
      ...new Set(
        boundSockets(service.processes, surroundings).flatMap(
          (path) => surroundings.socketUnits.get(path) ?? [],
        ),
      ),
    ],
    tmpfsFiles: (uses, files) => tmpfsFiles(service, uses, files),
    dump: (options, signal) => checkpointTree(service, options, signal),
    unitFiles: (checkpoint) => [placeholderOf(service, checkpoint), ...socketsOf(service).map(heldBack)],
  }
}

/** Every running service that isn't platform, and isn't there to run us. */
async function running(): Promise<string[]> {
  const own = await ownUnit()
  return (await runningServices()).filter((unit) => !isPlatform(unit) && unit !== own)
}

/** The unit that we are the main process of, such as what `systemd-run kernelswap` makes; undefined in a shell. */
async function ownUnit(): Promise<string | undefined> {
  if (process.ppid !== 1) return undefined
  return basename((await readFile('/proc/self/cgroup', 'utf8')).trim())
}

/**
 * A socket that was held back for a service starts with it, as in any boot: it may count on what systemd hands it
 * (sd_listen_fds(3)). One that no boot starts is its administrator's business.
 */
async function startWithSockets(units: readonly string[]): Promise<void> {
  const shown = await showUnits(units, ['Id', 'TriggeredBy'])
  const sockets = shown.flatMap((properties) => socketsOf({ unit: properties.Id ?? '', properties }))
  const states = await showUnits(sockets, ['UnitFileState'])
  const enabled = sockets.filter((_, index) => states[index]!.UnitFileState?.startsWith('enabled'))
  await startUnits([...enabled, ...units])
}

function notesOf(service: Service): string[] {
  const sockets = socketsOf(service)
  if (sockets.length === 0) return []
  return [
    `keeps its listening sockets; ${sockets.join(', ')} stays down until the next \`systemctl restart ${service.unit}\``,
  ]
}
