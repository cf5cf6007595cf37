import { parse } from 'smol-toml'

/** Where a key begins: path of the key → line, counted from 1; undefined for a key that isn't there. */
export type LineOf = (path: readonly PropertyKey[]) => number | undefined

/**
 * Finds the lines of all keys of a valid TOML text. The parser doesn't tell them, but a text that is cut behind a
 * line parses again as soon as the value on it is complete: what is new there began behind the cut before.
 */
export function keyLines(text: string): LineOf {
  const lines = text.split('\n')
  const found = new Map<string, number>()
  let begin = 1
  for (let end = 1; end <= lines.length; end += 1) {
    const known = parsed(`${lines.slice(0, end).join('\n')}\n`)
    if (known === undefined) continue
    for (const path of pathsIn(known)) if (!found.has(nameOf(path))) found.set(nameOf(path), begin)
    begin = end + 1
  }
  return (path) => found.get(nameOf(path))
}

function parsed(text: string): object | undefined {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** Paths of everything in tables and arrays, those of the outer before those of the inner. */
function pathsIn(value: unknown): string[][] {
  // Dates are values, though objects.
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsIn(inner).map((path) => [key, ...path]),
  ])
}

/** No key can be taken for two: JSON quotes what separates them. */
function nameOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String))
}
