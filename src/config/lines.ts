import { parse } from 'smol-toml'

/** Where a key begins: path of the key → line, counted from 1; that of the table or list around one that isn't there. */
export type LineOf = (path: readonly PropertyKey[]) => number

/** A key or table, where it is first met, and what is in it. */
interface Place {
  readonly line: number
  readonly inner: Map<string, Place>
}

/** Strings of all four kinds, comments, ends of lines, what separates, and anything else (toml.io, v1.0.0). */
const token =
  /"""(?:\\.|[^\\])*?"""+|'''.*?'''+|"(?:\\.|[^"\\])*"|'[^']*'|#[^\n]*|\n|[[\]{}=]|[^"'#\n[\]{}=]+/gs

/** Finds the lines of all keys of a valid TOML text, whose parser doesn't tell them. */
export function keyLines(text: string): LineOf {
  const root: Place = { line: 1, inner: new Map() }
  let table = root
  let line = 1
  // Of the statement that is being read: what comes before its equals sign, whether that was met, brackets open.
  let head = ''
  let begin = 1
  let isValue = false
  let depth = 0
  for (const [word] of `${text}\n`.matchAll(token)) {
    if (word === '\n' && depth === 0) {
      const header = head.trim()
      if (!isValue && header !== '') table = placeOf(root, header.replace(/^\[+|\]+$/g, ''), begin)
      head = ''
      isValue = false
    } else if (isValue) {
      if (word === '[' || word === '{') depth += 1
      if (word === ']' || word === '}') depth -= 1
    } else if (word === '=') {
      placeOf(table, head, begin)
      isValue = true
    } else if (!word.startsWith('#')) {
      if (head.trim() === '') begin = line
      head += word
    }
    line += word.split('\n').length - 1
  }
  return (path) => {
    let place = root
    for (const key of path) {
      const next = place.inner.get(String(key))
      if (!next) break
      place = next
    }
    return place.line
  }
}

/** The place of a key as it is written, dots and quotes and all, within a table; those on the way begin there too. */
function placeOf(table: Place, written: string, line: number): Place {
  let place = table
  for (let rest: unknown = parse(`${written} = 0`); typeof rest === 'object' && rest !== null; ) {
    const [[key, inner] = ['', undefined]] = Object.entries(rest)
    const next = place.inner.get(key) ?? { line, inner: new Map() }
    place.inner.set(key, next)
    place = next
    rest = inner
  }
  return place
}
