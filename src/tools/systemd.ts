import { attempt, run } from '../host/local.ts'

/** Properties of a unit by name, as `systemctl show` prints them. */
export type Properties = Readonly<Record<string, string>>

/** Reads properties of a unit; an unknown unit has LoadState=not-found. */
export async function showUnit(unit: string, names: readonly string[]): Promise<Properties> {
  const [properties] = await showUnits([unit], names)
  return properties!
}

/**
 * The same of several units, in their order, by one call: systemctl and PID 1 take longer to talk to than to answer.
 * @throws Error where systemctl tells of more or fewer units than it was asked for.
 */
export async function showUnits(units: readonly string[], names: readonly string[]): Promise<Properties[]> {
  // Without a name it would show the manager itself.
  if (units.length === 0) return []
  const { stdout } = await run('systemctl', ['show', `--property=${names.join(',')}`, '--', ...units])
  const shown = parseUnits(stdout)
  if (shown.length === units.length) return shown
  throw new Error(`systemctl show told of ${shown.length} units instead of ${units.length}`)
}

/** Parses what `systemctl show` prints of several units: a paragraph for each. */
export function parseUnits(text: string): Properties[] {
  return text
    .split('\n\n')
    .map(parseProperties)
    .filter((properties) => Object.keys(properties).length > 0)
}

/** Parses `Name=value` lines; a value may hold equal signs. */
export function parseProperties(text: string): Properties {
  const properties: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) properties[line.slice(0, equals)] = line.slice(equals + 1)
  }
  return properties
}

/** Words of a property that is a list; none where it isn't shown. */
export function wordsIn(value: string | undefined): string[] {
  return (value ?? '').split(' ').filter((word) => word !== '')
}

/** Names of the services that are running now. */
export async function runningServices(): Promise<string[]> {
  const { stdout } = await run('systemctl', [
    'list-units',
    '--type=service',
    '--state=running',
    '--plain',
    '--no-legend',
    '--full',
  ])
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((unit) => unit !== '')
}

/** True where a file system, other than the root's, is mounted once its device appears (systemd.mount(5)). */
export async function mountsWaitForDevices(): Promise<boolean> {
  const { stdout } = await run('systemctl', ['show', '--property=Id,BindsTo', '--', '*.mount'])
  return isAnyBoundToDevice(stdout)
}

/** The same of what `systemctl show` prints of mounts. */
export function isAnyBoundToDevice(text: string): boolean {
  return parseUnits(text).some(({ Id, BindsTo = '' }) => Id !== '-.mount' && /\.device\b/.test(BindsTo))
}

/** Socket units of the host, by the paths that they listen at (systemd.socket(5)). */
export async function listenersOfSockets(): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await run('systemctl', ['show', '--property=Id,Listen', '--', '*.socket'])
  return parseListeners(stdout)
}

/** Parses what `systemctl show` prints of sockets: `Listen=PATH (Stream)`, a line for each. */
export function parseListeners(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n\n').flatMap((paragraph) => {
      const { Id } = parseProperties(paragraph)
      const paths = [...paragraph.matchAll(/^Listen=(\/.*) \(\w+\)$/gm)].map(([, path]) => path!)
      return Id === undefined ? [] : paths.map((path) => [path, Id] as const)
    }),
  )
}

/** What systemd knows of all mounts, whoever made them (systemd.mount(5)). */
export async function showMounts(): Promise<Properties[]> {
  const names = 'Id,ActiveState,Where,What,Type,FragmentPath'
  return parseUnits((await run('systemctl', ['show', `--property=${names}`, '--', '*.mount'])).stdout)
}

export async function daemonReload(): Promise<void> {
  await run('systemctl', ['daemon-reload'])
}

export async function startUnits(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run('systemctl', ['start', '--', ...units])
}

/** The same without waiting for them, nor for how they come up. */
export async function startUnitsLater(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run('systemctl', ['start', '--no-block', '--', ...units])
}

export async function stopUnits(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run('systemctl', ['stop', '--', ...units])
}

/** Stops units, and nothing that depends on them unless it is bound to them. */
export async function stopUnitsAlone(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run('systemctl', ['stop', '--job-mode=ignore-dependencies', '--', ...units])
}

/**
 * Stops units alone, as `stopUnitsAlone` does, one after the other where they are ordered (systemd.unit(5), After=): that
 * job mode knows no order. Those that don't run any more are left out.
 * @throws ProgramError for one that can't be stopped, or takes longer than this many seconds
 */
export async function stopInOrder(units: readonly string[], timeoutSeconds: number): Promise<void> {
  const shown = await showUnits(units, ['ActiveState', 'After'])
  const running = units.flatMap((unit, index) => {
    const { ActiveState, After } = shown[index]!
    return ActiveState === 'inactive' || ActiveState === 'failed' ? [] : [{ unit, after: wordsIn(After) }]
  })
  // A target between two of them orders them as well.
  const targets = [
    ...new Set(running.flatMap(({ after }) => after.filter((name) => name.endsWith('.target')))),
  ]
  const behind = await showUnits(targets, ['After'])
  const through = new Map(targets.map((target, index) => [target, wordsIn(behind[index]!.After)]))
  const ordered = running.map(({ unit, after }) => ({
    unit,
    after: after.flatMap((name) => [name, ...(through.get(name) ?? [])]),
  }))
  for (const names of stopRounds(ordered))
    await run('systemctl', ['stop', '--job-mode=ignore-dependencies', '--', ...names], { timeoutSeconds })
}

interface Ordered {
  readonly unit: string
  /** Units that are started before it. */
  readonly after: readonly string[]
}

/** Rounds in which units are stopped: each after those that are started after it. What goes in a circle goes at once. */
export function stopRounds(units: readonly Ordered[]): string[][] {
  if (units.length === 0) return []
  const isFree = ({ unit }: Ordered) =>
    !units.some((other) => other.unit !== unit && other.after.includes(unit))
  const free = units.filter(isFree)
  const round = free.length > 0 ? free : units
  return [round.map(({ unit }) => unit), ...stopRounds(units.filter((one) => !round.includes(one)))]
}

/** Starts units, those that run afresh, and waits for all of them; how they end is theirs to tell. */
export async function awaitUnits(units: readonly string[]): Promise<void> {
  await attempt('systemctl', ['restart', '--', ...units])
}

/** Where the units of a slice are: `a-b.slice` lies in `a.slice` (systemd.slice(5)). */
export function controlGroupOf(slice: string): string {
  const parts = slice
    .replace(/\.slice$/, '')
    .split('-')
    .filter((part) => part !== '')
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/')}`
}

export async function restartUnits(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run('systemctl', ['restart', '--', ...units])
}

/** Starts a unit now, afresh if it runs, and at every boot. */
export async function enableUnit(unit: string): Promise<void> {
  await run('systemctl', ['enable', '--quiet', '--', unit])
  await restartUnits([unit])
}

/** Stops a unit and starts it at no boot any more. */
export async function disableUnit(unit: string): Promise<void> {
  await run('systemctl', ['disable', '--quiet', '--now', '--', unit])
}

/** Reboots the machine, as an administrator would: services are stopped. */
export async function reboot(): Promise<void> {
  await run('systemctl', ['reboot'])
}

/** Sends a signal to the main process of some units, or to all of theirs. */
export async function signalUnits(
  units: readonly string[],
  signal: NodeJS.Signals,
  whom: 'main' | 'all',
): Promise<void> {
  if (units.length > 0)
    await run('systemctl', ['kill', `--signal=${signal}`, `--kill-whom=${whom}`, '--', ...units])
}

const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager']

/** Timeout of the hardware watchdog that PID 1 feeds, in microseconds as a decimal; 0 where it feeds none. */
export async function runtimeWatchdog(): Promise<string> {
  const { stdout } = await run('busctl', ['get-property', ...manager, 'RuntimeWatchdogUSec'])
  // Type and value: `t 240000000` (busctl(1)).
  return stdout.trim().split(' ')[1] ?? '0'
}

/** Sets it until the next boot; 0 stops the watchdog (org.freedesktop.systemd1(5), RuntimeWatchdogUSec). */
export async function setRuntimeWatchdog(microseconds: string): Promise<void> {
  await run('busctl', ['set-property', ...manager, 'RuntimeWatchdogUSec', 't', microseconds])
}

/** Whether PID 1 ends services that don't say in time that they are alive (systemctl(1), service-watchdogs). */
export async function serviceWatchdogs(): Promise<boolean> {
  return (await run('systemctl', ['service-watchdogs'])).stdout.trim() === 'yes'
}

/** Switches that for all services, until the next boot. */
export async function setServiceWatchdogs(isOn: boolean): Promise<void> {
  await run('systemctl', ['service-watchdogs', isOn ? 'yes' : 'no'])
}
