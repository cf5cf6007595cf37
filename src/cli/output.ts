import { printable, standardError, standardOutput } from '../printer.ts'

/** Where a verb says things: one JSON document or text for people on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean
  /** A line of progress or advice. */
  say(line: string): void
  /** The verb's result: the document with --json, else the text, line by line. */
  result(document: unknown, lines: readonly string[]): void
  /** What a kernelswap elsewhere printed as its result. */
  pass(text: string): void
}

export function createOutput(json: boolean, stdout = standardOutput, stderr = standardError): Output {
  return {
    json,
    say: (line) => stderr.line(line),
    result: (document, lines) => (json ? stdout.json(JSON.stringify(document)) : stdout.lines(lines)),
    pass: (text) => {
      const whole = text.replace(/\n$/, '')
      if (isJson(whole)) stdout.json(whole)
      else if (text !== '') stdout.lines(whole.split('\n'))
    },
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
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
