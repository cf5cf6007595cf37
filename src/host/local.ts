import { closeSync, existsSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { execa } from 'execa'
import { killGroup } from './group.ts'
import { remedyFor } from './programs.ts'

/**
 * What programs find in their environment: messages that can be parsed; and systemd's tools wait longer than 25 s for a
 * manager that is busy, such as with a reload of many units (systemd: docs/ENVIRONMENT.md).
 */
const environment = { LC_ALL: 'C', SYSTEMD_BUS_TIMEOUT: '120' } as const

/** How a program on this host ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Text for its standard input, or where that will come from; otherwise it reads /dev/null. */
  readonly input?: string | Readable
  /** It is killed after this many seconds. */
  readonly timeoutSeconds?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Open descriptors that the program gets as 3, 4, … */
  readonly fds?: readonly number[]
  /**
   * It leads a session of its own: a terminal's Ctrl-C and hangup reach us alone. Where a signal ends it, those of its children
   * that are there yet are killed: they would keep its output open, and us waiting.
   */
  readonly ownSession?: boolean
  /** Called for each line of standard output while it runs. */
  readonly onStdoutLine?: (line: string) => void
  /** Called for each line of standard error while it runs. */
  readonly onStderrLine?: (line: string) => void
}

/** A program ended with a code that its caller doesn't accept, or couldn't be started (code 127). */
export class ProgramError extends Error {
  readonly program: string
  readonly ended: Ended

  constructor(program: string, args: readonly string[], ended: Ended, why: string) {
    const lastLine = ended.stderr.trim().split('\n').at(-1)
    super(`${[program, ...args].join(' ').slice(0, 200).replace(/\s+/g, ' ')}: ${lastLine || why}`)
    this.name = 'ProgramError'
    this.program = program
    this.ended = ended
  }
}

/** There is no such program. */
export class MissingProgram extends ProgramError {
  constructor(program: string) {
    super(program, [], { code: 127, stdout: '', stderr: '' }, `it is not installed; ${remedyFor(program)}`)
    this.name = 'MissingProgram'
  }
}

/** Programs that somebody waits for. */
const running = new Set<{ kill(signal: NodeJS.Signals): boolean }>()

/** Kills every program that `attempt` and `run` are waiting for: whoever waits is told so. */
export function endPrograms(): void {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * Runs a program and returns how it ended, whatever its exit code.
 * @throws ProgramError if it can't be started, is killed or runs out of time; MissingProgram where it isn't there.
 */
export async function attempt(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  // execa hands numbers on as descriptors from 3 on as well; its types only say so for 0 to 2.
  const descriptors = (options.fds ?? []) as unknown as 'ignore'[]
  const child = execa(program, args, {
    reject: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...environment, ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...descriptors],
    detached: options.ownSession ?? false,
    timeout: (options.timeoutSeconds ?? 0) * 1000,
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
  })
  if (options.onStdoutLine) void forEachLine(child.iterable({ from: 'stdout' }), options.onStdoutLine)
  if (options.onStderrLine) void forEachLine(child.iterable({ from: 'stderr' }), options.onStderrLine)
  if (options.ownSession) child.once('exit', (_, signal) => signal && killGroup(child))
  running.add(child)
  const result = await child.finally(() => running.delete(child))
  const ended = { code: result.exitCode ?? 127, stdout: String(result.stdout), stderr: String(result.stderr) }
  if (result.timedOut) {
    throw new ProgramError(program, args, ended, `still running after ${options.timeoutSeconds} s`)
  }
  if (result.code === 'ENOENT' && existsSync(options.cwd ?? '/')) throw new MissingProgram(program)
  if (result.exitCode === undefined) {
    throw new ProgramError(program, args, ended, result.shortMessage ?? 'could not be started')
  }
  return ended
}

/**
 * Runs a program that must succeed and returns how it ended.
 * @throws ProgramError for any exit code but 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const ended = await attempt(program, args, options)
  if (ended.code !== 0) throw new ProgramError(program, args, ended, `exit code ${ended.code}`)
  return ended
}

/** More than any kernel takes when it is unpacked: output that goes on behind that ends the program. */
const mostBytes = 1024 * 1024 * 1024

/**
 * Runs a program that must succeed and returns the bytes that it prints.
 * @throws ProgramError for any exit code but 0, and for more than a gigabyte; MissingProgram where it isn't there.
 */
export async function runForBytes(
  program: string,
  args: readonly string[],
  options: { readonly input?: Uint8Array; readonly timeoutSeconds: number },
): Promise<Uint8Array> {
  const child = execa(program, args, {
    reject: false,
    env: environment,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    buffer: { stdout: false },
    timeout: options.timeoutSeconds * 1000,
  })
  const [bytes, result] = await Promise.all([bytesOf(child.stdout), child])
  if (!result.failed && bytes) return bytes
  if (result.code === 'ENOENT') throw new MissingProgram(program)
  const ended = { code: result.exitCode ?? 127, stdout: '', stderr: String(result.stderr) }
  const why = bytes
    ? (result.shortMessage ?? `exit code ${result.exitCode}`)
    : 'it prints more than a gigabyte'
  throw new ProgramError(program, args, ended, why)
}

/** All that a stream gives; undefined where that is more than `mostBytes`: nobody reads it then. */
async function bytesOf(stream: Readable): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stream as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > mostBytes) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** A program that runs beside us, such as a virtual machine. */
export interface Background {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** How it ended: an exit code, or the signal that ended it. Never rejects. */
  readonly ended: Promise<string>
  kill(signal: NodeJS.Signals): void
}

/**
 * Starts a program that runs until it is told to end; its standard error is appended to a file. It leads a
 * session of its own, so that a terminal's Ctrl-C reaches us alone, and is killed when we end.
 * @throws ProgramError if it can't be started.
 */
export async function startBackground(
  program: string,
  args: readonly string[],
  options: { readonly stderrFile: string },
): Promise<Background> {
  const log = openSync(options.stderrFile, 'a')
  const child = execa('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    reject: false,
    buffer: false,
    detached: true,
    env: environment,
    // execa takes a descriptor here as well; its types only say so for 0 to 2.
    stdio: ['pipe', 'pipe', log as unknown as 'ignore'],
  })
  closeSync(log)
  if (child.pid === undefined) {
    const result = await child
    if (result.code === 'ENOENT') throw new MissingProgram('setpriv')
    const ended = { code: 127, stdout: '', stderr: '' }
    throw new ProgramError(program, args, ended, result.shortMessage ?? 'could not be started')
  }
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    ended: child.then((result) => result.signal ?? `exit code ${result.exitCode}`),
    kill: (signal) => void child.kill(signal),
  }
}

/** A program that has our terminal, streams and environment. */
export interface Attached {
  readonly pid: number
  /** Its exit code; 128 and the signal's number if a signal ended it. Never rejects. */
  readonly ended: Promise<number>
}

/**
 * Starts a program with our own standard streams, in a session of its own: signals meant for it have to be
 * sent to it. It is killed when we end, however we end.
 */
export function startAttached(
  program: string,
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>> },
): Attached {
  const child = execa('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    reject: false,
    buffer: false,
    detached: true,
    env: options.env,
    stdio: 'inherit',
  })
  return {
    pid: child.pid ?? -1,
    ended: child.then(
      (result) => result.exitCode ?? 128 + (constants.signals[result.signal ?? 'SIGKILL'] ?? 0),
    ),
  }
}

async function forEachLine(lines: AsyncIterable<unknown>, act: (line: string) => void): Promise<void> {
  try {
    for await (const line of lines) act(String(line))
  } catch {
    // How the program ended is reported by `attempt`.
  }
}
