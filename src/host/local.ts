import { execa } from 'execa'

/** How a program on this host ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Text for its standard input; otherwise it reads /dev/null. */
  readonly input?: string
  /** It is killed after this many seconds. */
  readonly timeoutSeconds?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Open descriptors that the program gets as 3, 4, … */
  readonly fds?: readonly number[]
  /** Called for each line of standard error while it runs. */
  readonly onStderrLine?: (line: string) => void
}

/** A program ended with a code that its caller doesn't accept, or couldn't be started (code 127). */
export class ProgramError extends Error {
  readonly program: string
  readonly ended: Ended

  constructor(program: string, args: readonly string[], ended: Ended, why: string) {
    const lastLine = ended.stderr.trim().split('\n').at(-1)
    super(`${[program, ...args].join(' ').slice(0, 200)}: ${lastLine || why}`)
    this.name = 'ProgramError'
    this.program = program
    this.ended = ended
  }
}

/**
 * Runs a program and returns how it ended, whatever its exit code.
 * @throws ProgramError if it can't be started, is killed or runs out of time.
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
    env: { LC_ALL: 'C', ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...descriptors],
    timeout: (options.timeoutSeconds ?? 0) * 1000,
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
  })
  if (options.onStderrLine) void forEachLine(child.iterable({ from: 'stderr' }), options.onStderrLine)
  const result = await child
  const ended = { code: result.exitCode ?? 127, stdout: String(result.stdout), stderr: String(result.stderr) }
  if (result.timedOut) {
    throw new ProgramError(program, args, ended, `still running after ${options.timeoutSeconds} s`)
  }
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

async function forEachLine(lines: AsyncIterable<unknown>, act: (line: string) => void): Promise<void> {
  try {
    for await (const line of lines) act(String(line))
  } catch {
    // How the program ended is reported by `attempt`.
  }
}
