import { type Printer, printable, standardError, standardOutput } from '../printer.ts'
import type { Conclusion, SwapEvent } from '../swap/event.ts'
import { eventLine } from '../swap/event-line.ts'
import { eventText } from './event-text.ts'

/** How a verb was told to say things. */
export interface Format {
  readonly json?: boolean
  readonly events?: boolean
}

/**
 * Where a verb says things: one JSON document or text for people on stdout, everything else on stderr. With `events` all
 * of it is events on stdout, a line each.
 */
export interface Output {
  readonly format: 'text' | 'json' | 'events'
  /** A line of progress or advice. */
  say(line: string): void
  /** Something that happens to a swap, as it does. */
  tell(event: SwapEvent): void
  /** The event that a verb ends with, which is its result: the document in it with --json, else the text. */
  conclude(event: Conclusion, lines: readonly string[]): void
  /** The verb's result: the document with --json, else the text, line by line. */
  result(document: unknown, lines: readonly string[]): void
  /** What a kernelswap elsewhere printed as its result. */
  pass(text: string): void
}

/** @param host whose events they are, where that is another one */
export function createOutput(
  { json = false, events = false }: Format,
  { host, stdout = standardOutput, stderr = standardError }: Streams = {},
): Output {
  const tell = (event: SwapEvent) => {
    const text = events ? undefined : eventText(event)
    if (events) stdout.json(eventLine(event, host))
    else if (text !== undefined) stderr.line(text)
  }
  const result = (document: unknown, lines: readonly string[]) =>
    json ? stdout.json(JSON.stringify(document)) : stdout.lines(lines)
  return {
    format: events ? 'events' : json ? 'json' : 'text',
    say: (text) => tell({ kind: 'message', text }),
    tell,
    conclude: (event, lines) => (events ? tell(event) : result(documentOf(event), lines)),
    result,
    pass: (text) => {
      const whole = text.replace(/\n$/, '')
      if (isJson(whole)) stdout.json(whole)
      else if (text !== '') stdout.lines(whole.split('\n'))
    },
  }
}

interface Streams {
  readonly host?: string
  readonly stdout?: Printer
  readonly stderr?: Printer
}

function documentOf(event: Conclusion): unknown {
  if (event.kind === 'plan') return event.plan
  return event.kind === 'report' ? event.report : event.prediction
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A size for people. */
export function sizeText(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

/** Lays out rows in columns as wide as their widest cell: a line each. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(printable))
  const widths = shown[0]?.map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0))) ?? []
  return shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
