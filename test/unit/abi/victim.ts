import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'

/** What a tampering from outside needs to know of the victim. */
export interface VictimFacts {
  readonly pid: number
  readonly child: number
  readonly waiter: number
  /** Address of a private page that it wrote to. */
  readonly address: bigint
}

/** What the victim says of itself when it is ready. */
export interface Ready extends VictimFacts {
  /** All of its processes. */
  readonly pids: readonly number[]
  readonly folder: string
}

/** Parses `ready PID CHILD GRANDCHILD WAITER ADDRESS FOLDER`. @throws for anything else. */
export function parseReady(line: string): Ready {
  const [pid = 0, child = 0, grandchild = 0, waiter = 0] = line.split(' ').slice(1, 5).map(Number)
  // Zero would stand for our own process group when signals are sent.
  if (!(pid > 1 && child > 1 && grandchild > 1 && waiter > 1)) throw new Error(`victim: ${line}`)
  const [address = '', folder = ''] = line.split(' ').slice(5)
  return { pid, child, waiter, address: BigInt(address), pids: [pid, child, grandchild, waiter], folder }
}

/** Stops some processes, runs the action, lets them go on. @throws if one doesn't stop within 30 s. */
export async function whileStopped<T>(pids: readonly number[], action: () => Promise<T>): Promise<T> {
  signalAll(pids, 'SIGSTOP')
  try {
    const late = Date.now() + 30_000
    for (let running = pids; running.length > 0; running = running.filter((pid) => !isStopped(pid))) {
      if (Date.now() > late) throw new Error(`not stopped: ${running.join(', ')}`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return await action()
  } finally {
    signalAll(pids, 'SIGCONT')
  }
}

/** Sends a signal to processes, of which some may have ended. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended.
    }
  }
}

/** A process of test/fixtures/abi/victim.py, with its children, that does what it is told. */
export class Victim implements VictimFacts {
  readonly pid: number
  readonly pids: readonly number[]
  readonly child: number
  readonly waiter: number
  readonly address: bigint
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(process: ChildProcess, lines: AsyncIterator<string>, ready: string) {
    const { pid, child, waiter, address, pids, folder } = parseReady(ready)
    this.#process = process
    this.#lines = lines
    this.pid = pid
    this.child = child
    this.waiter = waiter
    this.address = address
    this.#folder = folder
    this.pids = pids
  }

  static async start(): Promise<Victim> {
    const fixture = new URL('../../fixtures/abi/victim.py', import.meta.url).pathname
    const child = spawn('python3', [fixture], { stdio: ['pipe', 'pipe', 'inherit'] })
    const reader: Interface = createInterface({ input: child.stdout! })
    const lines = reader[Symbol.asyncIterator]()
    const { value } = await lines.next()
    if (typeof value !== 'string' || !value.startsWith('ready')) throw new Error(`victim: ${value}`)
    return new Victim(child, lines, value)
  }

  /** Runs a Python statement in it. */
  async do(statement: string): Promise<void> {
    this.#process.stdin!.write(`${statement}\n`)
    const { value } = await this.#lines.next()
    if (value !== 'done') throw new Error(`${statement}: ${value}`)
  }

  /** Stops all of its processes, runs the action, lets them go on. */
  whileStopped<T>(action: () => Promise<T>): Promise<T> {
    return whileStopped(this.pids, action)
  }

  end(): void {
    signalAll(this.pids, 'SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function isStopped(pid: number): boolean {
  try {
    return /^State:\s+[TtZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}
