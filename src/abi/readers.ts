import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Deadline } from '../deadline.ts'
import { type Descriptor, type DescriptorKind, readDescriptors } from '../proc/descriptors.ts'
import { ProcDirectory, safely } from '../proc/directory.ts'
import { parseKeyedLines } from '../proc/keyed-lines.ts'
import { type MapArea, parseMaps } from '../proc/maps.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type NetlinkSocket, parseNetlinkSockets } from '../proc/netlink-sockets.ts'
import { type PidStat, parsePidStat } from '../proc/pid-stat.ts'
import { parseSmaps, type SmapsArea } from '../proc/smaps.ts'
import { type NamespaceView, ownView } from '../tools/namespace-view.ts'
import type { SocketRow } from '../tools/ss.ts'
import { mapFileOf } from './areas.ts'
import { hostMountinfo, hostNamespace } from './host-namespace.ts'
import { findLeftovers, nameLeftovers } from './leftovers.ts'
import { fieldOf, known, ThreadReader } from './thread.ts'
import { Unreadable } from './types.ts'

/** What programs told of the tasks. Where one failed, whoever needs its answers gets the reason. */
export interface Answers {
  socket(inode: number): SocketRow | undefined
  probed(subject: string): Readonly<Record<string, string>> | undefined
  /** True for a descriptor or thread that was gone when the probe came to it: tasks may run meanwhile. */
  isGone(subject: string): boolean
  viewOf(task: TaskReader): NamespaceView
}

/** What is read once for all workloads of a snapshot. */
export class HostReader {
  /** What /proc tells of nobody in particular. A look at its list of locks waits for other processors (RCU). */
  readonly proc = new ProcDirectory('/proc')
  #mounts?: readonly Mount[]
  #view?: NamespaceView
  #processors?: string
  readonly #mountsSeen = new Map<string, readonly Mount[]>()
  readonly #netlinkSockets = new Map<string, ReadonlyMap<number, NetlinkSocket>>()

  /** Mounts that a task sees: those of its namespace, below its root (proc_pid_mountinfo(5)). */
  mountsOf({ proc }: TaskReader): readonly Mount[] {
    const read = () => parseMountinfo(proc.text('mountinfo'))
    return onceOf(this.#mountsSeen, `${proc.link('ns/mnt')} ${proc.link('root')}`, read)
  }

  /** Netlink sockets of a task's network namespace, by inode. */
  netlinkSocketsOf({ proc }: TaskReader): ReadonlyMap<number, NetlinkSocket> {
    const read = () => new Map(parseNetlinkSockets(proc.text('net/netlink')).map((row) => [row.inode, row]))
    return onceOf(this.#netlinkSockets, proc.link('ns/net'), read)
  }

  /** Mounts of the host's own namespace. */
  get mounts(): readonly Mount[] {
    this.#mounts ??= parseMountinfo(hostMountinfo())
    return this.#mounts
  }

  /** Those that are online, as a list (cpuset(7)). */
  get processors(): string {
    this.#processors ??= readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()
    return this.#processors
  }

  /** What we see of our own UTS and IPC namespaces, which most tasks share. */
  get view(): NamespaceView {
    this.#view ??= ownView()
    return this.#view
  }
}

export interface WorkloadOptions {
  readonly deadline?: Deadline | undefined
  /** Where somebody holds all tasks: those that were stopped already. */
  readonly stopped?: ReadonlySet<number> | undefined
}

/** The tasks of one workload in a snapshot, with what is read once for all of them. */
export class WorkloadReader {
  readonly strict: boolean
  readonly host: HostReader
  readonly tasks: readonly TaskReader[]
  /** Whatever takes long looks at it now and then. */
  readonly deadline: Deadline | undefined
  readonly #stopped: ReadonlySet<number> | undefined
  #answers?: Answers
  #holders: ReadonlyMap<string, string> | undefined
  #mappers?: ReadonlyMap<string, TaskReader>

  constructor(
    pids: readonly number[],
    strict: boolean,
    host: HostReader,
    { deadline, stopped }: WorkloadOptions = {},
  ) {
    this.deadline = deadline
    this.strict = strict
    this.host = host
    this.#stopped = stopped
    this.tasks = [...pids].sort((a, b) => a - b).map((pid) => new TaskReader(this, pid))
  }

  /** Takes what programs told; before that, facets that need it can't be read. */
  accept(answers: Answers): void {
    this.#answers = answers
    for (const task of this.tasks) task.forget((subject) => answers.isGone(subject))
    this.#holders = undefined
  }

  /** True for a task that is stopped, and not because somebody holds the workload. */
  isStopped({ pid, stat }: TaskReader): boolean {
    return 'Tt'.includes(stat.state) && (this.#stopped?.has(pid) ?? true)
  }

  /** The first descriptor, as `PID/FD`, that refers to the same pipe or socket: its name across kernels. */
  holder(descriptor: Descriptor): string {
    this.#holders ??= findHolders(this.tasks)
    return this.#holders.get(descriptor.target) ?? ''
  }

  /** The holder of the socket with this inode, or empty if no task of this workload holds it. */
  socketHolder(inode: number): string {
    this.#holders ??= findHolders(this.tasks)
    return this.#holders.get(`socket:[${inode}]`) ?? ''
  }

  /** Descriptors of pipes or sockets that no task and no descriptor before this one refers to. */
  firstHeld(task: TaskReader, kind: 'pipe' | 'socket'): readonly Descriptor[] {
    return task
      .descriptorsOf(kind)
      .filter((descriptor) => this.holder(descriptor) === `${task.pid}/${descriptor.fd}`)
  }

  /** The sockets that this task is the first to hold: others that share them don't report them again. */
  socketsOf(task: TaskReader): readonly { fd: number; row: SocketRow }[] {
    return this.firstHeld(task, 'socket').flatMap(({ fd, inode }) => {
      const row = this.socket(inode)
      return row ? [{ fd, row }] : []
    })
  }

  /** The socket with this inode, if ss listed it. */
  socket(inode: number): SocketRow | undefined {
    return this.#asked.socket(inode)
  }

  /** What the probe said of a subject, if it said anything. */
  probed(subject: string): Readonly<Record<string, string>> | undefined {
    return this.#asked.probed(subject)
  }

  /** What this task sees of its UTS and IPC namespaces. */
  viewOf(task: TaskReader): NamespaceView {
    return this.#asked.viewOf(task)
  }

  /** True for the first task in a namespace of this kind that isn't the host's. */
  isFirstInOwn(kind: 'mnt' | 'ipc', task: TaskReader): boolean {
    const namespace = task.proc.link(`ns/${kind}`)
    if (namespace === hostNamespace(kind)) return false
    return this.tasks.find(({ proc }) => proc.link(`ns/${kind}`) === namespace) === task
  }

  /** True for the first task that maps this shared memory; others map the same bytes. */
  isFirstToMap(task: TaskReader, area: MapArea): boolean {
    this.#mappers ??= findMappers(this.tasks)
    return this.#mappers.get(partOf(area)) === task
  }

  get #asked(): Answers {
    if (!this.#answers) throw new Unreadable('nobody was asked')
    return this.#answers
  }
}

/** What is known by this key, or what is read of whoever asks first. */
function onceOf<T>(known: Map<string, T>, key: string, read: () => T): T {
  const value = known.get(key) ?? read()
  known.set(key, value)
  return value
}

function findHolders(tasks: readonly TaskReader[]): ReadonlyMap<string, string> {
  const holders = new Map<string, string>()
  for (const task of tasks) {
    for (const { fd, target } of task.descriptorsOf('pipe', 'socket')) {
      if (!holders.has(target)) holders.set(target, `${task.pid}/${fd}`)
    }
  }
  return holders
}

/** The first task that maps each part of a file; one that is gone is reported by the facets that read it. */
function findMappers(tasks: readonly TaskReader[]): ReadonlyMap<string, TaskReader> {
  const mappers = new Map<string, TaskReader>()
  for (const task of tasks) {
    for (const area of safely(() => task.areas)) {
      const part = partOf(area)
      if (!mappers.has(part)) mappers.set(part, task)
    }
  }
  return mappers
}

function partOf({ device, inode, offset }: MapArea): string {
  return `${device} ${inode} ${offset}`
}

/** Kinds of descriptors that the probe is asked about. */
const PROBED = ['pipe', 'socket', 'memfd', 'terminal'] as const

/** One process of a workload, read from /proc/PID. Whatever is read is read once and shared by all facets. */
export class TaskReader {
  readonly pid: number
  readonly workload: WorkloadReader
  readonly proc: ProcDirectory
  #status?: ReadonlyMap<string, string>
  #stat?: PidStat
  #descriptors: readonly Descriptor[] | undefined
  #threads: readonly ThreadReader[] | undefined
  #areas?: readonly MapArea[]
  #maps?: readonly MapArea[]
  #found?: ReadonlyMap<string, string>
  #smaps?: readonly SmapsArea[]

  constructor(workload: WorkloadReader, pid: number) {
    this.workload = workload
    this.pid = pid
    this.proc = new ProcDirectory(`/proc/${pid}`)
  }

  /** A field of /proc/PID/status, proc_pid_status(5). */
  status(key: string): string {
    this.#status ??= parseKeyedLines(this.proc.text('status'))
    return fieldOf(this.#status, key)
  }

  get stat(): PidStat {
    this.#stat ??= parsePidStat(this.proc.text('stat'))
    return this.#stat
  }

  get descriptors(): readonly Descriptor[] {
    this.#descriptors ??= readDescriptors(this.proc)
    return this.#descriptors
  }

  descriptorsOf(...kinds: readonly DescriptorKind[]): readonly Descriptor[] {
    return this.descriptors.filter(({ kind }) => kinds.includes(kind))
  }

  get terminals(): readonly Descriptor[] {
    return this.descriptorsOf('file').filter(({ target }) => /^\/dev\/(pts\/|tty|console)/.test(target))
  }

  get threads(): readonly ThreadReader[] {
    this.#threads ??= this.proc.numbers('task').map((tid) => new ThreadReader(this, tid))
    return this.#threads
  }

  /** The thread that tells of the whole process. @throws Unreadable where it has ended. */
  get leader(): ThreadReader {
    const leader = this.threads.find(({ tid }) => tid === this.pid)
    if (!leader) throw new Unreadable('its first thread is gone')
    return leader
  }

  get areas(): readonly MapArea[] {
    this.#areas ??= nameLeftovers(this.#mapped, this.#leftovers)
    return this.#areas
  }

  get smaps(): readonly SmapsArea[] {
    this.#smaps ??= nameLeftovers(parseSmaps(this.proc.text('smaps')), this.#leftovers)
    return this.#smaps
  }

  /** Areas by the names that /proc gives them. */
  get #mapped(): readonly MapArea[] {
    this.#maps ??= parseMaps(this.proc.text('maps'))
    return this.#maps
  }

  get #leftovers(): ReadonlyMap<string, string> {
    this.#found ??= findLeftovers(this.#mapped, this.peek)
    return this.#found
  }

  get mounts(): readonly Mount[] {
    return this.workload.host.mountsOf(this)
  }

  /** Bytes of its memory. @throws where nothing is mapped. */
  peek = (address: bigint, length: number): Buffer => {
    const bytes = Buffer.alloc(length)
    const memory = openSync(`${this.proc.path}/mem`, 'r')
    try {
      if (readSync(memory, bytes, 0, length, address) < length)
        throw new Error(`memory at ${address.toString(16)} ended`)
    } finally {
      closeSync(memory)
    }
    return bytes
  }

  /** Leaves out descriptors and threads that went away while they were asked about. */
  forget(isGone: (subject: string) => boolean): void {
    this.#descriptors = this.#descriptors?.filter(
      ({ fd }) => !PROBED.some((subject) => isGone(`${subject} ${this.pid} ${fd}`)),
    )
    this.#threads = this.#threads?.filter(({ tid }) => !isGone(`robust ${tid}`))
  }

  /** What the probe found out about one of its descriptors. */
  probed(subject: (typeof PROBED)[number], fd: number): Readonly<Record<string, string>> {
    return known(this.workload.probed(`${subject} ${this.pid} ${fd}`))
  }

  /** Where the probe found pages of its own. Strict mode only. */
  probedPages(): Readonly<Record<string, string>> {
    return known(this.workload.probed(`pages ${this.pid}`))
  }

  /** Where the probe found data in the file behind a shared area. Strict mode only. */
  probedData(area: MapArea): Readonly<Record<string, string>> {
    return known(this.workload.probed(`data ${this.pid} ${mapFileOf(area)}`))
  }
}
