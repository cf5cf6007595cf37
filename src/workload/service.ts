import { Failure } from '../errors.ts'
import { type Properties, showUnits, wordsIn } from '../tools/systemd.ts'
import { pidsOf } from './control-group.ts'
import { InetTables } from './inet-tables.ts'
import { ProcessReader } from './process.ts'
import type { TaskTree } from './task-tree.ts'

/** A systemd service as it runs now. Its unit is its own name, whatever alias it was asked for by. */
export interface Service extends TaskTree {
  readonly properties: Properties
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
  'SystemCallFilter',
  'SystemCallErrorNumber',
]

/**
 * Looks at services, each by any of its names. What they have in common (PID 1's answer, mounts, tables of sockets) is read
 * once. Pure reading.
 * @throws Failure 'refused' for a unit that doesn't exist.
 */
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

/**
 * Sockets of systemd's whose listeners a service has. One that was started for a single connection (systemd.socket(5),
 * Accept=) has none of them: it is an instance, and the socket's name has no instance in it.
 */
export function socketsOf({ unit, properties }: Pick<Service, 'unit' | 'properties'>): string[] {
  return isForOneConnection({ unit, properties }) ? [] : triggersOf(properties)
}

/** True for an instance that a socket has started for a connection. */
export function isForOneConnection({ unit, properties }: Pick<Service, 'unit' | 'properties'>): boolean {
  return unit.includes('@') && triggersOf(properties).some((socket) => !socket.includes('@'))
}

/** True for what systemd-run made, or another program below /run/systemd; generators make theirs in every boot (systemd.unit(5)). */
export function endsWithBoot({ FragmentPath = '' }: Properties): boolean {
  return /^\/run\/systemd\/(transient|system)\//.test(FragmentPath)
}

function triggersOf({ TriggeredBy }: Properties): string[] {
  return wordsIn(TriggeredBy).filter((trigger) => trigger.endsWith('.socket'))
}
