import { ProcDirectory } from '../proc/directory.ts'
import { parseKeyedLines } from '../proc/keyed-lines.ts'
import { type PidStat, parsePidStat } from '../proc/pid-stat.ts'
import { beforeSignal } from '../proc/signal-frame.ts'
import { Unreadable } from './types.ts'

/** What a thread needs of the task that it belongs to. */
interface Owner {
  readonly proc: ProcDirectory
  readonly workload: {
    readonly strict: boolean
    readonly host: { readonly processors: string }
    probed(subject: string): Readonly<Record<string, string>> | undefined
  }
  peek(address: bigint, length: number): Buffer
}

/** One thread of a task, read from /proc/PID/task/TID. */
export class ThreadReader {
  readonly tid: number
  readonly task: Owner
  readonly proc: ProcDirectory
  #status?: ReadonlyMap<string, string>
  #stat?: PidStat

  constructor(task: Owner, tid: number) {
    this.task = task
    this.tid = tid
    this.proc = new ProcDirectory(`${task.proc.path}/task/${tid}`)
  }

  /** A field of /proc/PID/task/TID/status, proc_pid_status(5). */
  status(key: string): string {
    this.#status ??= parseKeyedLines(this.proc.text('status'))
    return fieldOf(this.#status, key)
  }

  get stat(): PidStat {
    this.#stat ??= parsePidStat(this.proc.text('stat'))
    return this.#stat
  }

  /**
   * Its general registers, NT_PRSTATUS bytes; without what the kernel did for a signal handler that hasn't begun.
   * Strict mode only.
   */
  get registers(): Buffer | undefined {
    const { registers } = this.probed('ptrace')
    if (registers === undefined) return undefined
    const bytes = Buffer.from(registers, 'hex')
    return process.arch === 'x64' ? beforeSignal(bytes, this.task.peek) : bytes
  }

  /**
   * The signals that it blocks, a mask. One that waits in ppoll(2), pselect(2) or sigsuspend(2) has another meanwhile, which it
   * takes up again with its call: only ptrace(2) shows its own, PTRACE_GETSIGMASK. Strict mode only.
   */
  get blocked(): string {
    return (this.task.workload.strict ? this.probed('ptrace').blocked : undefined) ?? this.status('SigBlk')
  }

  /** Its seccomp filters, hexadecimal, the last one first. Strict mode only. */
  get filters(): readonly string[] {
    const numbers = (this.probed('ptrace').filters ?? '').split(',').filter((number) => number !== '')
    return numbers.map((number) => known(this.task.workload.probed(`filter ${number}`)).code ?? '')
  }

  /** What it was made to tell of itself, by a system call. Strict mode only. */
  asked(what: string): string {
    const told = this.probed('ptrace')
    const answer = told[what]
    if (answer === undefined) throw new Unreadable(told.refusal ?? 'the thread got no answer')
    return answer
  }

  /** What the probe found out about this thread. */
  probed(subject: 'robust' | 'ioprio' | 'sched' | 'ptrace'): Readonly<Record<string, string>> {
    return known(this.task.workload.probed(`${subject} ${this.tid}`))
  }
}

/** A field of a status file, or Unreadable where this kernel doesn't print it. */
export function fieldOf(fields: ReadonlyMap<string, string>, key: string): string {
  const value = fields.get(key)
  if (value === undefined) throw new Unreadable(`this kernel's status file has no ${key}`)
  return value
}

/** An answer of the probe that has to be there. */
export function known<T>(answer: T | undefined): T {
  if (answer === undefined) throw new Unreadable('the probe gave no answer')
  return answer
}
