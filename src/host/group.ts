import { type ChildProcess, spawn } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface GroupOptions {
  readonly input: string
  /** All processes of the group are killed after this many seconds. */
  readonly timeoutSeconds: number
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What is printed beyond this many bytes is read and thrown away. */
  readonly outputBytes: number
  /** What it leaves behind as it ends goes on, such as a mail on its way; it is killed otherwise, and past the limit. */
  readonly sparesChildren?: boolean
  /** All processes of the group are killed once it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** Why the kernel doesn't start a program: the code of an error such as ENOENT, and what Node says. */
export interface NotStarted {
  readonly code: string
  readonly message: string
}

/** How a program and all that it started ended. */
export interface GroupEnded {
  /** Its exit code, or null if a signal ended it or it couldn't be started. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly timedOut: boolean
  readonly stdout: string
  readonly stderr: string
  /** It printed more than was kept. */
  readonly isCut: boolean
  /** Why it couldn't be started. */
  readonly failure?: NotStarted
}

/** How long output may still come from what the program left behind, in milliseconds. */
const GRACE = 200

/**
 * Runs a program that nobody trusts to end or to be brief: in a process group of its own, which is killed as a
 * whole when the time is up, the signal is aborted or, unless told otherwise, the program has ended. Never throws and
 * never waits longer than the time limit and a moment.
 */
export async function runGroup(
  program: string,
  args: readonly string[],
  options: GroupOptions,
): Promise<GroupEnded> {
  const child = spawn(program, args, { cwd: options.cwd, env: options.env, detached: true, stdio: 'pipe' })
  const [stdout, stderr] = [keep(child.stdout, options.outputBytes), keep(child.stderr, options.outputBytes)]
  // A program may end without having read its input.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const ended = await ending(child, options)
  if (!options.sparesChildren) killGroup(child)
  await Promise.race([Promise.all([stdout.ended, stderr.ended]), pause(GRACE)])
  await untilQuiet(() => stdout.size() + stderr.size())
  child.stdout.destroy()
  child.stderr.destroy()
  return { ...ended, stdout: stdout.text(), stderr: stderr.text(), isCut: stdout.isCut() || stderr.isCut() }
}

type Ending = Pick<GroupEnded, 'code' | 'signal' | 'timedOut' | 'failure'>

function ending(child: ChildProcess, { timeoutSeconds, signal }: GroupOptions): Promise<Ending> {
  return new Promise((resolve) => {
    const kill = (timedOut: boolean) => {
      killGroup(child)
      settle({ code: null, signal: 'SIGKILL', timedOut })
    }
    const timer = setTimeout(() => kill(true), timeoutSeconds * 1000)
    const abort = () => kill(false)
    const settle = (ended: Ending) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      resolve(ended)
    }
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    child.once('error', ({ code = '', message }: NodeJS.ErrnoException) =>
      settle({ code: null, signal: null, timedOut: false, failure: { code, message } }),
    )
    child.once('exit', (code, signal) => settle({ code, signal, timedOut: false }))
  })
}

/** Kills what is left of a process group, whose leader was started as such. */
export function killGroup({ pid }: Pick<ChildProcess, 'pid'>): void {
  // Without a PID it was never started, and -0 would be our own group.
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has no processes left.
  }
}

/** Keeps the first bytes of a stream and drains the rest, so that whoever prints isn't blocked. */
function keep(stream: NodeJS.ReadableStream, limit: number) {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size))
    size += chunk.length
  })
  stream.on('error', () => {})
  return {
    ended: new Promise((resolve) => stream.once('close', resolve)),
    text: () => Buffer.concat(chunks).toString(),
    size: () => Math.min(size, limit),
    isCut: () => size > limit,
  }
}

/** On a busy host the grace may be over before anybody has looked into the pipes: a turn of the event loop looks once. */
async function untilQuiet(size: () => number): Promise<void> {
  for (let before = -1; before !== size(); await nextTurn()) before = size()
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}
