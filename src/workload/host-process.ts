import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { ifEnded, isErrno } from '../errors.ts'
import { unifiedGroup } from '../proc/cgroup.ts'
import { parsePidStat } from '../proc/pid-stat.ts'

/** As much of any process of the host as tells what it belongs to. */
export interface HostProcess {
  readonly pid: number
  readonly parent: number
  /** Clock ticks since boot: with its PID it names a process for good. */
  readonly startTime: number
  /** As `comm` has it. */
  readonly name: string
  readonly isKernelThread: boolean
  readonly controlGroup: string
  readonly hasTerminal: boolean
  /** `pid:[4026531836]`; '' where it has ended and waits for its parent. */
  readonly pidNamespace: string
  /** The program's file; '' for a kernel thread. */
  readonly program: string
  /** That file gives its user's rights to whoever starts it (chmod(2)), as sudo's does. */
  readonly isSetUser: boolean
  readonly words: readonly string[]
}

/** What /proc has of a process, as text. */
export interface ProcessText {
  readonly stat: string
  readonly cgroup: string
  readonly cmdline: string
  readonly pidNamespace: string
  readonly program: string
  readonly isSetUser: boolean
}

/** Every process of the host; those that end meanwhile are left out. */
export function hostProcesses(): HostProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => orEnded(() => hostProcess(readText(pid))) ?? [])
}

/** Makes a process of what /proc has of it. */
export function hostProcess(text: ProcessText): HostProcess {
  const { comm, ppid, startTime, ttyNr, flags } = parsePidStat(text.stat)
  return {
    pid: Number.parseInt(text.stat, 10),
    parent: ppid,
    startTime,
    name: comm,
    // PF_KTHREAD, which no program can have.
    isKernelThread: (flags & 0x0020_0000) !== 0,
    controlGroup: unifiedGroup(text.cgroup),
    hasTerminal: ttyNr !== 0,
    pidNamespace: text.pidNamespace,
    program: text.program.replace(/ \(deleted\)$/, ''),
    isSetUser: text.isSetUser,
    words: text.cmdline.split('\0').slice(0, -1),
  }
}

function readText(pid: string): ProcessText {
  const file = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  const link = (name: string) => orEnded(() => linkOf(`/proc/${pid}/${name}`)) ?? ''
  return {
    stat: file('stat'),
    cgroup: file('cgroup'),
    cmdline: file('cmdline'),
    // A kernel thread has no program, and what has ended nothing of this.
    pidNamespace: link('ns/pid'),
    program: link('exe'),
    isSetUser: orEnded(() => isSetUser(`/proc/${pid}/exe`)) ?? false,
  }
}

/** What some module of the kernel's doesn't let us see must not pass for nothing. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isErrno(error, 'EACCES')) return '?'
    throw error
  }
}

function isSetUser(path: string): boolean {
  try {
    return (statSync(path).mode & 0o4000) !== 0
  } catch (error) {
    if (isErrno(error, 'EACCES')) return false
    throw error
  }
}

function orEnded<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    return ifEnded(undefined)(error)
  }
}
