import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Files of a /proc/PID directory, each read once: facets share what was read. Reads are synchronous, since a
 * read of /proc takes microseconds and a trip through Node's thread pool takes ten times as long, and the
 * applications stand still meanwhile.
 */
export class ProcDirectory {
  readonly path: string
  readonly #read = new Map<string, () => unknown>()

  constructor(path: string) {
    this.path = path
  }

  /** The text of a file. Every caller gets the error of the first read. */
  text(name: string): string {
    return this.#once(`text ${name}`, () => readFileSync(`${this.path}/${name}`, 'utf8'))
  }

  bytes(name: string): Buffer {
    return this.#once(`bytes ${name}`, () => readFileSync(`${this.path}/${name}`))
  }

  /** Where a link such as `cwd` or `ns/net` points. */
  link(name: string): string {
    return this.#once(`link ${name}`, () => readlinkSync(`${this.path}/${name}`))
  }

  /** Names in a directory such as `fd`, that are numbers, in ascending order. */
  numbers(name: string): readonly number[] {
    return this.#once(`numbers ${name}`, () =>
      readdirSync(`${this.path}/${name}`)
        .map(Number)
        .sort((a, b) => a - b),
    )
  }

  #once<T>(key: string, read: () => T): T {
    const known = this.#read.get(key)
    if (known) return known() as T
    const result = settled(read)
    this.#read.set(key, result)
    return result()
  }
}

function settled<T>(read: () => T): () => T {
  try {
    const value = read()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/** A task that is gone is reported by the facets that read it. */
export function safely<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch {
    return []
  }
}
