import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { ifMissing } from '../errors.ts'
import { type Login, logins } from '../tools/logind.ts'
import { type Properties, showUnits } from '../tools/systemd.ts'
import { type HostProcess, hostProcesses } from './host-process.ts'
import { whyPlatform } from './platform.ts'
import { groupsOf, kernelThreads, type ProcessGroup } from './process-group.ts'
import { endsWithBoot, isForOneConnection } from './service.ts'

/**
 * What becomes of a group of processes: it comes along; is stopped in order and started; begins afresh and loses nothing; or
 * ends with the old kernel: what a login left running, a container or a virtual machine, and what nobody knows.
 */
export const groupClasses = ['carried', 'restarted', 'platform', 'session', 'container', 'unknown'] as const
export type GroupClass = (typeof groupClasses)[number]

/** A group of processes of the host, and what becomes of it. */
export interface Account extends ProcessGroup {
  readonly class: GroupClass
  /** Why it counts so. */
  readonly why: string
  /** Those of its processes that end with a loss, which somebody has to agree to. */
  readonly lost: readonly HostProcess[]
  /** We run in it. */
  readonly isOurs: boolean
}

/** What somebody wants for services. */
export interface Wishes {
  /** What becomes of those that were looked at, by unit. */
  readonly decided: ReadonlyMap<string, 'preserve' | 'restart' | 'ignore'>
  /** What may be done with any other; undefined where nobody has said so. */
  readonly othersMay: (unit: string) => 'restart' | 'ignore' | undefined
}

/** What processes are judged by. */
export interface Circumstances extends Wishes {
  /** What systemd says of the units of groups. */
  readonly units: ReadonlyMap<string, Properties>
  readonly logins: readonly Login[]
  /** Programs that a login may start (shells(5)), where links lead to. */
  readonly shells: ReadonlySet<string>
  /** Units of users' managers that a socket starts anew when somebody asks for them. */
  readonly startedOnDemand: (unit: string) => boolean
  /** PIDs of this process, of those above it, and of those that it has started. */
  readonly own: ReadonlySet<number>
  readonly pidNamespace: string
}

/** What units are asked for. */
const wanted = [
  'Id',
  'ActiveState',
  'SubState',
  'Type',
  'MainPID',
  'FragmentPath',
  'TriggeredBy',
  'Description',
]

/** Accounts for every process of the host. Pure reading. */
export async function accountForAll(wishes: Wishes): Promise<Account[]> {
  const processes = hostProcesses()
  const groups = groupsOf(processes)
  const names = [...new Set(groups.flatMap(({ unit }) => unit || []))]
  const shown = await showUnits(names, wanted)
  const ours = processes.find(({ pid }) => pid === process.pid)
  const circumstances: Circumstances = {
    ...wishes,
    units: new Map(names.map((name, index) => [name, shown[index]!])),
    // Without a scope nobody is logged in, and there may be no logind to ask.
    logins: names.some((name) => /(?<!^init)\.scope$/.test(name)) ? await logins() : [],
    shells: await loginShells(),
    startedOnDemand: hasSocketForUsers,
    own: lineOf(process.pid, processes),
    pidNamespace: ours?.pidNamespace ?? '',
  }
  return groups.map((group) => accountFor(group, circumstances))
}

/** Puts a group into its class. Pure: everything it may depend on is given. */
export function accountFor(group: ProcessGroup, circumstances: Circumstances): Account {
  const isOurs = group.processes.some(({ pid }) => pid === process.pid || circumstances.own.has(pid))
  const found = rules.map((rule) => rule(group, circumstances)).find((answer) => answer !== undefined)
  return { ...group, isOurs, ...(found ?? unknown(group, circumstances)) }
}

type Answer = Pick<Account, 'class' | 'why' | 'lost'>
type Rule = (group: ProcessGroup, circumstances: Circumstances) => Answer | undefined

/** The first that knows a group decides. */
const rules: readonly Rule[] = [
  ofKernel,
  ofWorkload,
  ofContainer,
  ofSystemd,
  ofPlatform,
  ofUserManager,
  ofLogin,
  ofService,
  ofMount,
]

function ofKernel({ name }: ProcessGroup): Answer | undefined {
  if (name !== kernelThreads) return undefined
  return { class: 'platform', why: 'each kernel has its own', lost: [] }
}

function ofWorkload({ unit, ofUser }: ProcessGroup, { decided }: Circumstances): Answer | undefined {
  switch (ofUser === undefined && decided.get(unit)) {
    case 'preserve':
      return { class: 'carried', why: 'comes along', lost: [] }
    case 'restart':
      return { class: 'restarted', why: 'is stopped before the jump and started behind it', lost: [] }
    case 'ignore':
      return ignored
    default:
      return undefined
  }
}

const ignored: Answer = { class: 'unknown', why: 'its policy is "ignore": it is left to its fate', lost: [] }

/**
 * systemd has a place for containers and guests (machine.slice, systemd.special(7)); wherever else they are, theirs is
 * another PID namespace. A program of somebody's session may have that for some of its processes, as browsers do.
 */
function ofContainer(group: ProcessGroup, circumstances: Circumstances): Answer | undefined {
  const alive = group.processes.filter(({ pidNamespace }) => pidNamespace !== '')
  const apart = alive.filter(({ pidNamespace }) => pidNamespace !== circumstances.pidNamespace)
  const isWhole = group.unit.endsWith('.scope') || group.ofUser !== undefined
  const isContained = apart.length > 0 && (!isWhole || apart.length === alive.length)
  if (!isContained && !/^\/machine\.slice\//.test(group.controlGroup)) return undefined
  const what = describe(group, circumstances)
  return {
    class: 'container',
    why: isContained ? `runs in a PID namespace of its own${what}` : `is a container or a guest${what}`,
    lost: alive,
  }
}

function ofSystemd({ controlGroup }: ProcessGroup): Answer | undefined {
  if (controlGroup !== '/init.scope') return undefined
  return { class: 'platform', why: 'is systemd itself', lost: [] }
}

/** Where nothing makes a scope for a login (pam_systemd(8)), its processes stay with whatever let it in. */
function ofPlatform(group: ProcessGroup, circumstances: Circumstances): Answer | undefined {
  const isService = group.ofUser === undefined && group.unit.endsWith('.service')
  const why = isService ? whyPlatform(group.unit) : undefined
  if (why === undefined) return undefined
  const leader = Number(circumstances.units.get(group.unit)?.MainPID)
  const lost = group.processes.filter(
    (process) => process.hasTerminal && !isAtRest(process, leader, group, circumstances),
  )
  return lost.length === 0
    ? { class: 'platform', why, lost }
    : { class: 'session', why: `somebody is logged in by ${group.unit}`, lost }
}

function ofUserManager(
  { unit, ofUser, processes }: ProcessGroup,
  circumstances: Circumstances,
): Answer | undefined {
  if (ofUser === undefined) return undefined
  if (ofUser === 'init.scope')
    return { class: 'platform', why: whyPlatform(unit) ?? 'is systemd itself', lost: [] }
  if (circumstances.startedOnDemand(ofUser))
    return { class: 'platform', why: 'is started when somebody asks it', lost: [] }
  return { class: 'session', why: `belongs to ${unit}`, lost: besideUs(processes, circumstances) }
}

function ofLogin(group: ProcessGroup, circumstances: Circumstances): Answer | undefined {
  const login = circumstances.logins.find(({ scope }) => scope === group.unit)
  if (!login || group.unit === '') return undefined
  const lost = group.processes.filter((process) => !isAtRest(process, login.leader, group, circumstances))
  const why =
    lost.length === 0
      ? `${login.user} is logged in, and nothing but a shell waits`
      : `${login.user} is logged in`
  return { class: 'session', why, lost }
}

function ofService(group: ProcessGroup, circumstances: Circumstances): Answer | undefined {
  if (!group.unit.endsWith('.service')) return undefined
  const properties = circumstances.units.get(group.unit) ?? {}
  if (group.processes.some(({ pid }) => pid === process.pid))
    return { class: 'platform', why: 'is kernelswap itself', lost: [] }
  if (circumstances.othersMay(group.unit) === 'ignore') return ignored
  const lost = group.processes
  if (endsWithBoot(properties)) return { class: 'unknown', why: 'its unit file ends with the boot', lost }
  if (isForOneConnection({ unit: group.unit, properties }))
    return { class: 'unknown', why: 'was started for one connection', lost }
  if (properties.Type === 'oneshot' && properties.ActiveState === 'activating')
    return { class: 'unknown', why: 'is at work, which ends by itself', lost }
  if (circumstances.othersMay(group.unit) === undefined)
    return { class: 'unknown', why: 'has no main process that could be carried', lost }
  return { class: 'restarted', why: 'is stopped before the jump and started behind it', lost: [] }
}

/** Helpers of what systemd mounts, listens at or swaps to. All is brought to disk before the jump. */
function ofMount({ unit }: ProcessGroup): Answer | undefined {
  if (!/\.(mount|socket|swap)$/.test(unit)) return undefined
  return { class: 'platform', why: 'serves what the boot makes again', lost: [] }
}

function unknown(group: ProcessGroup, circumstances: Circumstances): Answer {
  const lost = besideUs(group.processes, circumstances)
  return { class: 'unknown', why: `nothing is known of it${describe(group, circumstances)}`, lost }
}

function describe({ unit }: ProcessGroup, { units }: Circumstances): string {
  const description = units.get(unit)?.Description ?? ''
  return description === '' || description === unit ? '' : ` (${description})`
}

function besideUs(processes: readonly HostProcess[], { own }: Circumstances): HostProcess[] {
  return processes.filter(({ pid, program }) => program !== '' && !own.has(pid))
}

/**
 * True for what a login consists of while nobody does anything with it: the process that let it in and its helpers, what gave
 * it another user's rights, and shells that wait at their terminal.
 */
function isAtRest(
  process: HostProcess,
  leader: number,
  { processes }: ProcessGroup,
  { own, shells }: Circumstances,
): boolean {
  const { pid, program, hasTerminal, isSetUser, words } = process
  if (program === '' || own.has(pid) || pid === leader || isSetUser) return true
  if (!hasTerminal) return processes.some((other) => other.pid === leader && other.program === program)
  return shells.has(program) && words.slice(1).every((word) => /^-(?!c$|-?command)/.test(word))
}

/** A process, those above it and those below it. */
export function lineOf(pid: number, processes: readonly HostProcess[]): ReadonlySet<number> {
  const parents = new Map(processes.map((process) => [process.pid, process.parent]))
  const line = new Set([pid])
  for (let above = parents.get(pid); above !== undefined && above > 1; above = parents.get(above))
    line.add(above)
  const isBelow = (one: number): boolean => {
    for (let at = parents.get(one); at !== undefined && at > 1; at = parents.get(at))
      if (at === pid) return true
    return false
  }
  for (const one of parents.keys()) if (isBelow(one)) line.add(one)
  return line
}

async function loginShells(): Promise<ReadonlySet<string>> {
  const lines = (await readFile('/etc/shells', 'utf8').catch(ifMissing(''))).split('\n')
  const paths = lines.map((line) => line.trim()).filter((line) => line.startsWith('/'))
  return new Set(await Promise.all(paths.map((path) => realpath(path).catch(ifMissing(path)))))
}

/** Packages' units of users' managers lie there (systemd.unit(5)). */
const unitsOfUsers = '/usr/lib/systemd/user'

function hasSocketForUsers(unit: string): boolean {
  const [isPackaged, hasSocket] = [unit, unit.replace(/\.service$/, '.socket')].map((name) =>
    existsSync(join(unitsOfUsers, name)),
  )
  return unit.endsWith('.service') && isPackaged! && hasSocket!
}
