import { readlinkSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import type { MapArea } from '../proc/maps.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type NamespaceView, namespaceView } from '../tools/namespace-view.ts'
import { type ProbeAnswers, type ProbedFd, probe } from '../tools/probe.ts'
import { type SocketRow, socketRows } from '../tools/ss.ts'
import type { Descriptor } from './descriptor.ts'
import { hostMountinfo, hostNamespace } from './host-namespace.ts'
import { TaskReader } from './task.ts'
import { Unreadable } from './types.ts'

/** The tasks of one snapshot, with what is read once for all of them. */
export class WorkloadReader {
  readonly strict: boolean
  readonly tasks: readonly TaskReader[]
  #answers: ProbeAnswers = new Map()
  #probeFailure?: string
  #sockets = new Map<number, SocketRow>()
  #socketFailure?: string
  readonly #views = new Map<string, NamespaceView | string>()
  #hostMounts?: readonly Mount[]
  #holders?: ReadonlyMap<string, string>

  constructor(pids: readonly number[], strict: boolean) {
    this.strict = strict
    this.tasks = [...pids].sort((a, b) => a - b).map((pid) => new TaskReader(this, pid))
  }

  /** Runs the programs whose answers facets need: one probe, and ss once for each network namespace. */
  async ask(): Promise<void> {
    await Promise.all([this.#askProbe(), this.#askSockets(), this.#askViews()])
  }

  /** The first descriptor, as `PID/FD`, that refers to the same pipe or socket: its name across kernels. */
  holder(descriptor: Descriptor): string {
    this.#holders ??= this.#findHolders()
    return this.#holders.get(descriptor.target) ?? ''
  }

  /** The sockets that this task is the first to hold: others that share them don't report them again. */
  socketsOf(task: TaskReader): readonly { fd: number; row: SocketRow }[] {
    if (this.#socketFailure !== undefined) throw new Unreadable(this.#socketFailure)
    return this.firstHeld(task, 'socket').flatMap(({ fd, inode }) => {
      const row = this.#sockets.get(Number(inode))
      return row ? [{ fd, row }] : []
    })
  }

  /** Descriptors of pipes or sockets that no task and no descriptor before this one refers to. */
  firstHeld(task: TaskReader, kind: 'pipe' | 'socket'): readonly Descriptor[] {
    return task
      .descriptorsOf(kind)
      .filter((descriptor) => this.holder(descriptor) === `${task.pid}/${descriptor.fd}`)
  }

  /** The socket with this inode, if ss listed it. */
  socket(inode: number): SocketRow | undefined {
    return this.#sockets.get(inode)
  }

  /** The holder of the socket with this inode, or empty if no task of this workload holds it. */
  socketHolder(inode: number): string {
    this.#holders ??= this.#findHolders()
    return this.#holders.get(`socket:[${inode}]`) ?? ''
  }

  /** True for the first task in a namespace of this kind that isn't the host's. */
  isFirstInOwn(kind: 'mnt' | 'ipc' | 'uts', task: TaskReader): boolean {
    const namespace = task.proc.link(`ns/${kind}`)
    if (namespace === hostNamespace(kind)) return false
    return this.tasks.find(({ proc }) => proc.link(`ns/${kind}`) === namespace) === task
  }

  /** True for the first task that maps this shared memory; others map the same bytes. */
  isFirstToMap(task: TaskReader, { device, inode, offset }: MapArea): boolean {
    const maps = ({ areas }: TaskReader) =>
      areas.some((area) => area.device === device && area.inode === inode && area.offset === offset)
    return this.tasks.find(maps) === task
  }

  /** Mounts of the host's own namespace. */
  get hostMounts(): readonly Mount[] {
    this.#hostMounts ??= parseMountinfo(hostMountinfo())
    return this.#hostMounts
  }

  /** What this task sees of its UTS and IPC namespaces. */
  viewOf(task: TaskReader): NamespaceView {
    const view = this.#views.get(viewKey(task))
    if (view === undefined || typeof view === 'string') throw new Unreadable(view ?? 'nobody looked')
    return view
  }

  probed(subject: string): Readonly<Record<string, string>> {
    const answer = this.#answers.get(subject)
    if (answer === undefined) throw new Unreadable(this.#probeFailure ?? 'the probe gave no answer')
    if (typeof answer === 'string') throw new Unreadable(answer)
    return answer
  }

  /** True if the probe said something of this subject; for questions where no answer is an answer. */
  wasProbed(subject: string): boolean {
    if (this.#probeFailure !== undefined) throw new Unreadable(this.#probeFailure)
    return this.#answers.has(subject)
  }

  #findHolders(): ReadonlyMap<string, string> {
    const holders = new Map<string, string>()
    for (const task of this.tasks) {
      for (const { fd, target } of task.descriptorsOf('pipe', 'socket')) {
        if (!holders.has(target)) holders.set(target, `${task.pid}/${fd}`)
      }
    }
    return holders
  }

  async #askProbe(): Promise<void> {
    const fds = (select: (descriptor: Descriptor) => boolean): ProbedFd[] =>
      this.tasks.flatMap((task) =>
        safely(() => task.descriptors.filter(select)).map(({ fd }) => ({ pid: task.pid, fd })),
      )
    const first = (kind: 'pipe' | 'socket'): ProbedFd[] =>
      this.tasks.flatMap((task) =>
        safely(() => this.firstHeld(task, kind)).map(({ fd }) => ({ pid: task.pid, fd })),
      )
    const { answers, failure } = await probe({
      threads: this.tasks.flatMap((task) => safely(() => task.threads).map(({ tid }) => tid)),
      pipes: first('pipe'),
      sockets: first('socket'),
      memfds: fds(({ kind }) => kind === 'memfd'),
      terminals: fds(({ target }) => /^\/dev\/(pts\/|tty|console)/.test(target)),
      shared: this.#sharedCandidates(),
      strict: this.strict,
    })
    this.#answers = answers
    if (failure !== undefined) this.#probeFailure = failure
  }

  /** Descriptors that look alike, and so may be one open file description that several tasks or numbers share. */
  #sharedCandidates(): ProbedFd[][] {
    const groups = new Map<string, ProbedFd[]>()
    for (const task of this.tasks) {
      for (const { fd, target, inode, mountId, position, flags } of safely(() => task.descriptors)) {
        const key = [target, inode, mountId, position, flags & ~CLOEXEC].join(' ')
        groups.set(key, [...(groups.get(key) ?? []), { pid: task.pid, fd }])
      }
    }
    return [...groups.values()].filter((group) => group.length > 1)
  }

  async #askViews(): Promise<void> {
    const own = `${readlinkSync('/proc/self/ns/uts')} ${readlinkSync('/proc/self/ns/ipc')}`
    const first = new Map(
      this.tasks.flatMap((task) => safely(() => [[viewKey(task), task.pid] as const])).reverse(),
    )
    await Promise.all(
      [...first].map(async ([key, pid]) => {
        try {
          this.#views.set(key, await namespaceView(key === own ? undefined : pid))
        } catch (error) {
          this.#views.set(key, messageOf(error))
        }
      }),
    )
  }

  async #askSockets(): Promise<void> {
    const wanted = new Set(
      this.tasks.flatMap((task) =>
        safely(() => task.descriptorsOf('socket')).map(({ inode }) => Number(inode)),
      ),
    )
    if (wanted.size === 0) return
    const own = readlinkSync('/proc/self/ns/net')
    const namespaces = new Map<string, string | undefined>()
    for (const task of this.tasks) {
      const namespace = safely(() => [task.proc.link('ns/net')])[0]
      if (namespace) namespaces.set(namespace, namespace === own ? undefined : `/proc/${task.pid}/ns/net`)
    }
    // A descriptor may come from outside its holder's namespace, as with socket activation.
    if (!namespaces.has(own)) namespaces.set(own, undefined)
    try {
      const lists = await Promise.all([...namespaces.values()].map((path) => socketRows(path)))
      for (const row of lists.flat()) if (wanted.has(row.inode)) this.#sockets.set(row.inode, row)
    } catch (error) {
      this.#socketFailure = messageOf(error)
    }
  }
}

/** O_CLOEXEC belongs to a descriptor, not to the open file that several may share. */
const CLOEXEC = 0o2000000

function viewKey(task: TaskReader): string {
  return `${task.proc.link('ns/uts')} ${task.proc.link('ns/ipc')}`
}

function safely<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch {
    // A task that is gone is reported by the facets that read it.
    return []
  }
}
