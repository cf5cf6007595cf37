/** Where a verb says things: one JSON document or text for people on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean
  /** A line of progress or advice. */
  say(line: string): void
  /** The verb's result: the document with --json, else the text. */
  result(document: unknown, text: string): void
}

export function createOutput(json: boolean): Output {
  return {
    json,
    say: (line) => void process.stderr.write(`${line}\n`),
    result: (document, text) =>
      void process.stdout.write(json ? `${JSON.stringify(document)}\n` : `${text}\n`),
  }
}

/** Lays out rows in columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
