import { fstatSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { isErrno } from './errors.ts'

/**
 * What a terminal acts on, or shows as if it were something else: control characters (C0, DEL, C1), invisible and
 * bidirectional formatting, line separators of Unicode, lone surrogates.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** The same in JSON, whose blanks are its own. */
const unprintableInJson = /(?![\n\r\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Longest line for people, in characters. */
const lineLimit = 10_000

/** Text as it may be shown in one line: what a terminal would act on is visible instead, such as `\x1b` and `\n`. */
export function printable(text: string): string {
  const shown = text.length > lineLimit ? `${text.slice(0, lineLimit)}… (${text.length} characters)` : text
  return shown.replace(unprintable, (character) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
    return short ?? (character < '\u0100' ? `\\x${hex(character, 2)}` : escaped(character))
  })
}

/** JSON that is the same document, and harmless on a terminal. */
export function printableJson(text: string): string {
  return text.replace(unprintableInJson, escaped)
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${hex(unit, 4)}`)
    .join('')
}

function hex(unit: string, digits: number): string {
  return unit.charCodeAt(0).toString(16).padStart(digits, '0')
}

/** The most that a pipe takes as a whole or not at all (pipe(7), PIPE_BUF). */
const atOnce = 4096

/**
 * A standard stream. Whatever kernelswap prints goes through one of the two below, which the linter checks: much of it
 * was chosen by others, such as names of processes and files, and what hooks and other hosts say.
 */
export class Printer {
  readonly #stream: Writable & { readonly isTTY?: boolean }
  readonly #fd: number | undefined
  #problem: unknown
  /** Somebody took something. */
  #isTaken = false

  constructor(stream: Writable & { readonly fd?: number; readonly isTTY?: boolean }) {
    this.#stream = stream
    // Node writes to files at once, but takes no notice of a disk that takes a part only.
    this.#fd = stream.fd !== undefined && fstatSync(stream.fd).isFile() ? stream.fd : undefined
    // Who follows us may be gone: that must not end a swap.
    stream.on('error', (error) => this.#fail(error))
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  /** A line for people. */
  line(text: string): void {
    this.#write(`${printable(text)}\n`)
  }

  lines(texts: readonly string[]): void {
    this.#write(texts.map((text) => `${printable(text)}\n`).join(''))
  }

  /** A document for programs. */
  json(text: string): void {
    this.#write(`${printableJson(text)}\n`)
  }

  /** The beginning of a line that the user ends. */
  prompt(text: string): void {
    this.#write(printable(text))
  }

  /** Replaces the line that a terminal shows. */
  redraw(text: string): void {
    this.#write(`\r\x1b[K${printable(text)}`)
  }

  /**
   * Returns once all that was printed is written, and why it could not be. A reader that has read something and then
   * goes away, as head(1) does, had enough: that is no failure.
   * @param limitSeconds for a reader that takes nothing
   */
  async flush(limitSeconds: number): Promise<unknown> {
    if (this.#problem === undefined) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<unknown>((resolve) => {
        timer = setTimeout(
          () => resolve(new Error(`nobody read it for ${limitSeconds} s`)),
          limitSeconds * 1000,
        )
      })
      const written = new Promise<unknown>((resolve) => this.#stream.write('', () => resolve(undefined)))
      this.#problem = await Promise.race([written.then(() => this.#problem), late])
      clearTimeout(timer)
    }
    return this.#isTaken && isErrno(this.#problem, 'EPIPE') ? undefined : this.#problem
  }

  /** Bytes for programs, no faster than they are taken; whether all were, `flush` tells. */
  async bytes(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      if (this.#problem !== undefined) return
      if (this.#fd !== undefined) this.#writeToFile(this.#fd, chunk)
      else await new Promise<void>((resolve) => this.#writeToStream(chunk, resolve))
    }
  }

  /** After a failure nothing is written any more: a part would be missing in the middle. */
  #write(text: string): void {
    if (this.#problem !== undefined || text === '') return
    const bytes = Buffer.from(text)
    if (this.#fd !== undefined) this.#writeToFile(this.#fd, bytes)
    else {
      // The first piece tells whether anybody reads at all.
      this.#writeToStream(bytes.subarray(0, atOnce))
      if (bytes.length > atOnce) this.#writeToStream(bytes.subarray(atOnce))
    }
  }

  #writeToFile(fd: number, bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    } catch (error) {
      this.#fail(error)
    }
  }

  #writeToStream(bytes: Buffer, done = () => {}): void {
    this.#stream.write(bytes, (error) => {
      if (error) this.#fail(error)
      else this.#isTaken = true
      done()
    })
  }

  #fail(error: unknown): void {
    this.#problem ??= error
  }
}

/** What a verb was called for, and nothing else. */
export const standardOutput = new Printer(process.stdout)
/** Progress, advice, questions, what went wrong. */
export const standardError = new Printer(process.stderr)
