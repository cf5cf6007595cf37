import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import * as z from 'zod'
import { ifEnded, isErrno } from '../errors.ts'
import { parsePidStat } from '../proc/pid-stat.ts'
import { showUnits, stopInOrder, wordsIn } from '../tools/systemd.ts'
import type { Account } from './account.ts'
import type { HostProcess } from './host-process.ts'
import { placeOf } from './process-group.ts'

/** Something that is stopped in order before a jump, and how. */
export const endingSchema = z.object({
  /** The unit that systemd stops; '' where its processes are no unit's, or we run among them. */
  unit: z.string(),
  /** Whether it is started again: behind the jump and where the swap is taken back, or there alone. */
  starts: z.enum(['always', 'where-taken-back', 'never']),
  /** Where there is no unit to stop: what is told to end. */
  tasks: z.array(z.object({ pid: z.number(), startTime: z.number() })),
})
export type Ending = Readonly<z.infer<typeof endingSchema>>

/** A group that is to end, and whether something starts it behind the jump as well. */
export type Ended = Account & { readonly comesBack: boolean }

/** How groups are ended. @param carried units that nothing may touch */
export async function endingsOf(
  ended: readonly Ended[],
  all: readonly Account[],
  carried: ReadonlySet<string>,
): Promise<Ending[]> {
  const contained = ended.filter((account) => account.class === 'container')
  const keepers = [...(await keepersOf(contained, all)), ...(await closersOf(contained))]
  const kept = keepers.filter((unit) => !carried.has(unit)).map(returning)
  const endings = [...kept, ...ended.map(endingOf)]
  const triggers = await triggersOf(startedAlways(endings))
  endings.push(...triggers.map(returning))
  // What several groups ask for is done once.
  return [...new Map(endings.map((ending) => [ending.unit || JSON.stringify(ending.tasks), ending])).values()]
}

function returning(unit: string): Ending {
  return { unit, starts: 'always', tasks: [] }
}

function endingOf({ unit, comesBack, isOurs, class: kind, ofUser, lost }: Ended): Ending {
  // Who let somebody in goes on letting others in.
  const isShared = kind === 'session' && unit.endsWith('.service') && ofUser === undefined
  if (unit === '' || isOurs || isShared)
    return { unit: '', starts: 'never', tasks: lost.map(({ pid, startTime }) => ({ pid, startTime })) }
  if (comesBack) return returning(unit)
  // A user's manager that is to run without a login is started by the boot.
  return { unit, starts: ofUser === undefined ? 'never' : 'where-taken-back', tasks: [] }
}

/**
 * Services that keep containers: those that the parents of their processes belong to, or rather those that want these and
 * come after them, as docker does with containerd. They end what they keep by its own rules.
 */
async function keepersOf(contained: readonly Account[], all: readonly Account[]): Promise<string[]> {
  const processes = new Map(
    all.flatMap((account) => account.processes.map((process) => [process.pid, process] as const)),
  )
  const parents = contained.flatMap(({ processes: own }) => outsiders(own, processes))
  const services = new Set(
    parents
      .map(({ controlGroup }) => placeOf(controlGroup))
      .flatMap(({ unit, ofUser }) => (unit.endsWith('.service') && ofUser === undefined ? [unit] : [])),
  )
  const names = [...services].filter((unit) => !contained.some((account) => account.unit === unit))
  const shown = await showUnits(names, ['WantedBy', 'RequiredBy', 'BoundBy', 'Before'])
  const found = await Promise.all(
    names.map(async (unit, index) => {
      const { WantedBy, RequiredBy, BoundBy, Before } = shown[index]!
      const wanting = [WantedBy, RequiredBy, BoundBy].flatMap(wordsIn)
      const behind = await activeServices(wordsIn(Before).filter((other) => wanting.includes(other)))
      return behind.length > 0 ? behind : [unit]
    }),
  )
  return [...new Set(found.flat())]
}

function outsiders(own: readonly HostProcess[], all: ReadonlyMap<number, HostProcess>): HostProcess[] {
  const inside = new Set(own.map(({ pid }) => pid))
  return own.flatMap(({ parent }) => (inside.has(parent) || parent <= 1 ? [] : (all.get(parent) ?? [])))
}

/**
 * Services that systemd itself would stop before these units, as libvirt-guests is before the guests: they are ordered
 * behind them, or behind a target that is.
 */
async function closersOf(contained: readonly Account[]): Promise<string[]> {
  const units = contained.flatMap(({ unit }) => (unit.endsWith('.scope') ? [unit] : []))
  const behind = await beforeOf(units)
  const targets = behind.filter((name) => name.endsWith('.target'))
  const shown = await showUnits(targets, ['ActiveState'])
  const active = targets.filter((_, index) => shown[index]!.ActiveState === 'active')
  return activeServices([...behind, ...(await beforeOf(active))])
}

async function beforeOf(units: readonly string[]): Promise<string[]> {
  return (await showUnits(units, ['Before'])).flatMap(({ Before }) => wordsIn(Before))
}

/** Those of some units that are services, active, and do something as they are stopped. */
async function activeServices(units: readonly string[]): Promise<string[]> {
  const services = [...new Set(units)].filter((unit) => unit.endsWith('.service'))
  const shown = await showUnits(services, ['ActiveState', 'MainPID', 'ExecStop'])
  return services.filter((_, index) => {
    const { ActiveState, MainPID, ExecStop } = shown[index]!
    return ActiveState === 'active' && (Number(MainPID) > 0 || Boolean(ExecStop))
  })
}

/** What would start services again behind our back. */
async function triggersOf(services: readonly string[]): Promise<string[]> {
  const shown = await showUnits([...new Set(services)], ['TriggeredBy'])
  const names = shown.flatMap(({ TriggeredBy }) => wordsIn(TriggeredBy)).filter(isTrigger)
  const states = await showUnits(names, ['ActiveState'])
  return [...new Set(names.filter((_, index) => states[index]!.ActiveState === 'active'))]
}

function isTrigger(unit: string): boolean {
  return /\.(socket|path)$/.test(unit)
}

/** Ends all, in order. @param restarted services that are stopped with them @param seconds for each that systemd stops at once */
export async function endAll(
  endings: readonly Ending[],
  restarted: readonly string[],
  seconds: number,
): Promise<void> {
  const units = endings.flatMap(({ unit }) => unit || [])
  const services = units.filter((unit) => unit.endsWith('.service'))
  // First, or they would start again what is stopped.
  await stopInOrder(units.filter(isTrigger), seconds)
  await stopInOrder([...new Set([...restarted, ...services])], seconds)
  // What a service keeps it has ended by now.
  await stopInOrder(
    units.filter((unit) => !isTrigger(unit) && !services.includes(unit)),
    seconds,
  )
  await hangUp(endings.flatMap(({ tasks }) => tasks))
}

/** What is started where a swap is taken back. */
export function startedWhereTakenBack(endings: readonly Ending[]): string[] {
  return endings.flatMap(({ unit, starts }) => (starts === 'never' ? [] : [unit]))
}

/** What is started behind a jump, where the boot hasn't done so. */
export function startedAlways(endings: readonly Ending[]): string[] {
  return endings.flatMap(({ unit, starts }) => (starts === 'always' ? [unit] : []))
}

/** What is told to end has so long for it, in milliseconds; it is looked at this often. */
const [graceMilliseconds, pauseMilliseconds] = [10_000, 100]

/** Tells tasks that their terminal and their time are gone, as systemd does with those of a session (systemd.kill(5), SendSIGHUP=). */
async function hangUp(tasks: Ending['tasks']): Promise<void> {
  const there = () => Promise.all(tasks.map(async (task) => ((await isThere(task)) ? [task.pid] : [])))
  for (const pid of (await there()).flat())
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGCONT'] as const) send(pid, signal)
  for (let left = graceMilliseconds; left > 0 && (await there()).flat().length > 0; left -= pauseMilliseconds)
    await setTimeout(pauseMilliseconds)
}

async function isThere({ pid, startTime }: Ending['tasks'][number]): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ifEnded(undefined))
  return stat !== undefined && parsePidStat(stat).startTime === startTime && parsePidStat(stat).state !== 'Z'
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}
