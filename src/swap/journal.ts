import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { syncDirectory } from '../durable.ts'
import { Failure, ifMissing, messageOf } from '../errors.ts'
import { refuseLoose } from '../ownership.ts'
import { standardError } from '../printer.ts'

/** Version of the journal's lines; a newer one is refused. */
const version = 1

export const verdictSchema = z.enum(['swapped', 'restored', 'aborted', 'fell-back', 'degraded', 'failed'])
/** How a swap ended. */
export type Verdict = z.infer<typeof verdictSchema>

/** True where everything is as it was meant to be: after a swap, or after the restore of a bundle. */
export function isGood(verdict: Verdict): boolean {
  return verdict === 'swapped' || verdict === 'restored'
}

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('step'), phase: z.string(), step: z.string() }),
  z.object({ kind: z.literal('undo'), step: z.string() }),
  z.object({ kind: z.literal('error'), message: z.string() }),
  z.object({ kind: z.literal('verdict'), verdict: verdictSchema }),
])
const lineSchema = z.intersection(
  z.object({ version: z.number(), time: z.number(), boot: z.string(), kernel: z.string() }),
  entrySchema,
)

/** What is told to the journal. */
export type Entry = z.infer<typeof entrySchema>
/** An entry with when (Unix time in seconds), on which boot and on which kernel it was written. */
export type JournalLine = z.infer<typeof lineSchema>

/**
 * The record of one swap: a JSON object a line, on disk before the step it announces is taken, so that whoever
 * starts next knows what to do.
 */
export class Journal {
  readonly #file: string
  readonly #boot: string
  readonly #kernel: string

  constructor(directory: string, boot: string, kernel: string) {
    this.#file = join(directory, 'journal.jsonl')
    this.#boot = boot
    this.#kernel = kernel
  }

  /** Appends an entry and returns when it is on disk, its directory too. */
  async append(entry: Entry): Promise<void> {
    const line: JournalLine = {
      version,
      time: Date.now() / 1000,
      boot: this.#boot,
      kernel: this.#kernel,
      ...entry,
    }
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
    const file = await open(this.#file, 'a+', 0o600)
    try {
      await dropTornLine(file)
      await file.appendFile(`${JSON.stringify(line)}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
    await syncDirectory(dirname(this.#file))
    if (process.env.KERNELSWAP_FAILPOINT) await failpoint(entry, await this.read())
  }

  /** Every entry, the oldest first. @throws Failure 'mismatch' where it can't be read, or as `parseJournal` does. */
  async read(): Promise<JournalLine[]> {
    refuseLoose(this.#file)
    try {
      return parseJournal(await readFile(this.#file, 'utf8').catch(ifMissing('')), this.#file)
    } catch (error) {
      if (error instanceof Failure) throw error
      throw new Failure(
        'mismatch',
        `${this.#file} can't be read: ${messageOf(error)}; look after the disk.`,
        {
          cause: error,
        },
      )
    }
  }
}

/** A line that a power cut tore must not become the beginning of the next one. */
async function dropTornLine(file: FileHandle): Promise<void> {
  const content = await file.readFile()
  const whole = content.lastIndexOf('\n') + 1
  if (whole < content.length) await file.truncate(whole)
}

/**
 * Parses a journal. A last line that a power cut tore is dropped: its step was never taken.
 * @throws Failure 'mismatch' for a journal of a newer kernelswap or one that is damaged elsewhere.
 */
export function parseJournal(text: string, file: string): JournalLine[] {
  // What follows the last newline is a torn line, or nothing.
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line, index) => parseLine(line, `${file}:${index + 1}`))
}

function parseLine(line: string, where: string): JournalLine {
  const value = parseJson(line)
  const found = z.object({ version: z.number() }).safeParse(value)
  if (found.success && found.data.version > version) {
    throw new Failure(
      'mismatch',
      `${where} was written by a newer kernelswap; install that version to go on.`,
    )
  }
  const parsed = lineSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Failure(
    'mismatch',
    `${where} is damaged; look at the other files in its directory to see how far it went.`,
    {
      cause: parsed.error,
    },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads a line of another host's journal; undefined for what is none. */
export function readLine(text: string): JournalLine | undefined {
  return lineSchema.safeParse(parseJson(text)).data
}

/** Name of an entry, as failure tests give it: `step:checkpoint`, `verdict`. */
export function entryName(entry: Entry): string {
  return 'step' in entry ? `${entry.kind}:${entry.step}` : entry.kind
}

/**
 * Dies (`ENTRY=kill`) stands still (`ENTRY=hold`, for the power to be cut), or gets stuck (`ENTRY=hang`) right after the entry named by the
 * environment variable KERNELSWAP_FAILPOINT is on disk: how tests reach every state that a crash can leave.
 */
async function failpoint(entry: Entry, lines: readonly JournalLine[]): Promise<void> {
  const [name, fault] = (process.env.KERNELSWAP_FAILPOINT ?? '').split('=')
  // The first time only: whoever takes up the swap gets past it.
  if (name !== entryName(entry) || lines.filter((line) => entryName(line) === name).length > 1) return
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL')
  standardError.line(`failpoint ${name}`)
  // Its event loop stands still, as behind a system call that doesn't return.
  if (fault === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (fault === 'hold') await new Promise((resolve) => setTimeout(resolve, 3_600_000))
}
