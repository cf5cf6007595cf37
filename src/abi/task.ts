import { closeSync, openSync, readSync } from 'node:fs'
import { parseKeyedLines } from '../proc/keyed-lines.ts'
import { type MapArea, parseMaps } from '../proc/maps.ts'
import { type Mount, parseMountinfo } from '../proc/mountinfo.ts'
import { type PidStat, parsePidStat } from '../proc/pid-stat.ts'
import { parseSmaps, type SmapsArea } from '../proc/smaps.ts'
import { mapFileOf } from './areas.ts'
import { type Descriptor, type DescriptorKind, readDescriptors } from './descriptor.ts'
import { ProcDirectory } from './proc-directory.ts'
import { fieldOf, known, ThreadReader } from './thread.ts'
import type { WorkloadReader } from './workload.ts'

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
  #smaps?: readonly SmapsArea[]
  #mounts?: readonly Mount[]

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

  get areas(): readonly MapArea[] {
    this.#areas ??= parseMaps(this.proc.text('maps'))
    return this.#areas
  }

  get smaps(): readonly SmapsArea[] {
    this.#smaps ??= parseSmaps(this.proc.text('smaps'))
    return this.#smaps
  }

  get mounts(): readonly Mount[] {
    this.#mounts ??= parseMountinfo(this.proc.text('mountinfo'))
    return this.#mounts
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
