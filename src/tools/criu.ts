import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ifMissing } from '../errors.ts'
import { attempt, type Ended, ProgramError } from '../host/local.ts'
import { paths } from '../paths.ts'
import { limiter } from '../pool.ts'

/** How a dump ended. */
export interface DumpEnded extends Ended {
  /** It ran out of time, or a signal ended it. */
  readonly wasKilled: boolean
}

export interface DumpOptions {
  readonly pid: number
  /** An existing directory for the images and dump.log. */
  readonly images: string
  /** What the next boot's room provides, in CRIU's --external syntax. */
  readonly external: readonly string[]
  /** The root of the tree leads no session: its leader has gone (setsid(2), and another fork). */
  readonly isLeaderless?: boolean
  /** Tasks end stopped (a swap) or go on running (a trial). */
  readonly leave: 'stopped' | 'running'
  readonly timeoutSeconds: number
}

/**
 * Checkpoints a process tree from inside its own mount, UTS and network namespaces, so that CRIU sees no foreign
 * namespace and dumps the processes only.
 *
 * criu and the image directory go in as descriptors: a sandbox with NoExecPaths= or ProtectSystem=strict forbids
 * them by path. Its IPC namespace isn't entered: CRIU dumps that one (System V shared memory lives in it).
 *
 * It goes on to its end whatever ends us, and so do the tasks: one that is killed half-way may leave its code in them. So a
 * signal to our terminal, our control group or us doesn't end it (env(1), --ignore-signal), running out of time does.
 *
 * Its log has errors and warnings: a line for each area of memory, which is what more would bring, took longer to write
 * than the memory.
 */
export function dump(options: DumpOptions): Promise<DumpEnded> {
  return inTurn(() => dumpNow(options))
}

/** More at once than there are processors would only take each other's memory and time. */
const inTurn = limiter(2 * availableParallelism())

async function dumpNow(options: DumpOptions): Promise<DumpEnded> {
  const images = openSync(options.images, 'r')
  const binary = openSync(paths.criu, 'r')
  try {
    const ended = await attempt(
      'env',
      [
        ...['--ignore-signal=HUP,INT,TERM', 'nsenter'],
        ...['--target', String(options.pid), '--mount', '--uts', '--net', '--'],
        ...['/proc/self/fd/4', 'dump', '--no-default-config'],
        ...['--tree', String(options.pid), '--images-dir', '/proc/self/fd/3'],
        // Packets are held by our own gate: CRIU's rules would be gone with the kernel (criu(8), --network-lock).
        ...['--tcp-established', '--network-lock', 'skip'],
        ...[
          '--manage-cgroups=ignore',
          '--file-locks',
          '--link-remap',
          '--ghost-limit',
          '64M',
          '--ext-unix-sk',
        ],
        ...options.external.flatMap((resource) => ['--external', resource]),
        ...(options.isLeaderless ? ['--shell-job'] : []),
        options.leave === 'stopped' ? '--leave-stopped' : '--leave-running',
        ...['-v2', '--log-file', 'dump.log'],
      ],
      { fds: [images, binary], timeoutSeconds: options.timeoutSeconds, ownSession: true },
    )
    return { ...ended, wasKilled: false }
  } catch (error) {
    // Killed, or out of time: as good as an exit code, and CRIU's log may still tell more.
    if (!(error instanceof ProgramError)) throw error
    return { ...error.ended, stderr: 'CRIU was killed, or ran out of time', wasKilled: true }
  } finally {
    closeSync(images)
    closeSync(binary)
  }
}

/** The error lines of a CRIU log, without time and source location; [] where there is no log. */
export async function logErrors(log: string): Promise<string[]> {
  const text = await readFile(log, 'utf8').catch(ifMissing(''))
  return parseLogErrors(text)
}

/** `(00.012345) Error (criu/sk-unix.c:870): unix: Can't dump …` → `unix: Can't dump …`; without time where less is logged. */
export function parseLogErrors(text: string): string[] {
  return [...text.matchAll(/^(?:\([\d.]+\))?\s*(?:(?:pie: )?\d+: )?Error \([^)]*:\d+\): (.*)$/gm)].map(
    (match) => match[1]!.trim(),
  )
}

/** It tries what the kernel can do one by one, which takes a moment, or more on a host that is busy; in seconds. */
const checkSeconds = 120

/** Runs CRIU's own check of the running kernel (criu(8), check); '' means it looks good. */
export async function check(): Promise<string> {
  const ended = await attempt(paths.criu, ['check'], { timeoutSeconds: checkSeconds })
  return ended.code === 0 ? '' : (parseCheck(ended.stderr) ?? `criu check: exit code ${ended.code}`)
}

function parseCheck(stderr: string): string | undefined {
  return stderr
    .split('\n')
    .filter((line) => /error|fail/i.test(line))
    .at(-1)
    ?.trim()
}

/** True where an image says that the task was stopped when CRIU took hold of it. */
export async function wasStopped(images: string, pid: number): Promise<boolean> {
  // TASK_STOPPED (compel/include/uapi/task-state.h)
  return parseTaskState(await readFile(join(images, `core-${pid}.img`))) === 3
}

/** The signal that an image's thread gets at the death of its parent (PR_SET_PDEATHSIG(2const)); 0 where it wants none. */
export async function deathSignal(images: string, tid: number): Promise<number> {
  return parseDeathSignal(await readFile(join(images, `core-${tid}.img`)))
}

/** Field 8 (pdeath_sig) of field 5 (thread_core) of the message of a core image. @throws Error where the image is another */
export function parseDeathSignal(image: Buffer): number {
  const thread = fieldOf(coreOf(image), 5)
  if (!Buffer.isBuffer(thread)) throw new Error('a core image has no thread')
  const signal = fieldOf(thread, 8)
  return typeof signal === 'number' ? signal : 0
}

/** The message of an image (images/core.proto): before it come two magic numbers and its length, of 4 bytes each (criu.org/Images). */
function coreOf(image: Buffer): Buffer {
  return image.subarray(12, 12 + image.readUInt32LE(8))
}

/**
 * The state of the task in a core image: field 1 (task_state) of field 3 (tc) of its message.
 * @throws Error where the image is another
 */
export function parseTaskState(image: Buffer): number {
  const task = fieldOf(coreOf(image), 3)
  const state = Buffer.isBuffer(task) ? fieldOf(task, 1) : undefined
  if (typeof state !== 'number') throw new Error('a core image names no state of its task')
  return state
}

/** Something that tasks had open at a checkpoint, as its images have it. */
export interface ImageFile {
  /** Of enum fd_types (images/fdinfo.proto). */
  readonly type: number
  /** Of an IP socket: socket(2), ip(7). */
  readonly family?: number
  readonly protocol?: number
}

export async function openFiles(images: string): Promise<ImageFile[]> {
  return parseFiles(await readFile(join(images, 'files.img')))
}

/** Messages file_entry of images/fdinfo.proto, each behind its length: 1 is the type, 4 an inet_sk_entry. @throws Error where the image is another */
export function parseFiles(image: Buffer): ImageFile[] {
  const files: ImageFile[] = []
  for (let at = 8, length: number; at < image.length; at += 4 + length) {
    length = image.readUInt32LE(at)
    const message = image.subarray(at + 4, at + 4 + length)
    const [type, socket] = [fieldOf(message, 1), fieldOf(message, 4)]
    if (typeof type !== 'number' || message.length < length) throw new Error('an image of files is damaged')
    files.push(Buffer.isBuffer(socket) ? { type, ...kindOf(socket) } : { type })
  }
  return files
}

/** Fields 3 and 5 of images/sk-inet.proto. */
function kindOf(socket: Buffer): Pick<ImageFile, 'family' | 'protocol'> {
  const [family, protocol] = [fieldOf(socket, 3), fieldOf(socket, 5)]
  if (typeof family !== 'number' || typeof protocol !== 'number')
    throw new Error('a socket in an image has no protocol')
  return { family, protocol }
}

/** The first field of this number in a protobuf message (protobuf.dev, Encoding): a number, or the bytes of another message. */
function fieldOf(message: Buffer, wanted: number): number | Buffer | undefined {
  let at = 0
  // Numbers of 64 bits lose bits here; none of them is asked for.
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const type = key & 7
    const value = type === 0 ? varint() : bytes(type)
    if (Math.floor(key / 8) === wanted) return value
  }
  return undefined

  function bytes(type: number): Buffer {
    const length = type === 2 ? varint() : type === 1 ? 8 : 4
    at += length
    return message.subarray(at - length, at)
  }
}
