import { parse, TomlError } from 'smol-toml'
import * as z from 'zod'
import { Failure } from '../errors.ts'
import type { DropIn } from './drop-ins.ts'
import { keyLines } from './lines.ts'

/** One value of the configuration, and where it comes from. */
export interface Setting {
  /** Tables and key: `unit`, `redis-server.service`, `policy`. */
  readonly path: readonly string[]
  readonly value: unknown
  /** File and line; undefined for a default. */
  readonly origin: { readonly file: string; readonly line: number } | undefined
}

/** Tables and lists inside each other: no setting needs half of it, and nothing that goes down them runs out of stack. */
const mostDepth = 16

/**
 * The settings in a drop-in.
 * @throws Failure 'configuration' naming file, line and key, and what was expected there.
 */
export function settingsIn({ file, text }: DropIn, schema: z.ZodType): Setting[] {
  const table = tableIn(file, text)
  const lineOf = keyLines(text)
  const mistake = (path: readonly PropertyKey[], what: string, cause?: unknown) =>
    new Failure(
      'configuration',
      `${file}:${lineOf(path)}: ${shortName(path)}: ${what}; correct the file.`,
      cause === undefined ? {} : { cause },
    )
  const deep = tooDeep(table)
  if (deep) throw mistake(deep, `more than ${mostDepth} tables and lists inside each other`)
  const checked = schema.safeParse(table)
  if (checked.success)
    return leavesOf(checked.data).map(({ path, value }) => ({
      path,
      value,
      origin: { file, line: lineOf(path) },
    }))
  const issue = checked.error.issues[0]!
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
  throw mistake(path, complaint(issue, schema), checked.error)
}

/** The path of something below too many tables and lists. */
function tooDeep(table: unknown): string[] | undefined {
  let level: { path: string[]; value: unknown }[] = [{ path: [], value: table }]
  for (let depth = 0; depth <= mostDepth; depth += 1)
    level = level.flatMap(({ path, value }) =>
      // Dates are values, though objects.
      typeof value !== 'object' || value === null || value instanceof Date
        ? []
        : Object.entries(value).map(([key, inner]) => ({ path: [...path, key], value: inner })),
    )
  return level[0]?.path
}

function tableIn(file: string, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // First line of the parser's message; the lines after it show the place, as ours names it.
    const why = error.message.split('\n')[0]!.replace('Invalid TOML document: ', '')
    throw new Failure('configuration', `${file}:${error.line}: not valid TOML: ${why}; correct the file.`, {
      cause: error,
    })
  }
}

/** What is wrong with a value, and what was expected instead. */
export function complaint(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'invalid_key') return issue.issues[0]!.message
  if (issue.code !== 'unrecognized_keys') return issue.message.replace(/^Invalid (input|option): /, '')
  return `unknown key, expected one of ${knownKeys(schema, issue.path).join(', ')}`
}

/** The keys that a table may have. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema
  for (const key of path) {
    at = bare(at)
    at =
      at instanceof z.ZodObject ? at.shape[String(key)] : at instanceof z.ZodRecord ? at.valueType : undefined
  }
  at = bare(at)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function bare(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? bare(schema.unwrap()) : schema
}

/** A key as TOML writes it: `unit."redis-server.service".policy`. */
export function keyName(path: readonly PropertyKey[]): string {
  return path.map((key) => (/^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(key))).join('.')
}

/** The same for people: what a name is cut to tells where to look. */
function shortName(path: readonly PropertyKey[]): string {
  const name = keyName(path)
  return name.length > 200 ? `${name.slice(0, 200)}…` : name
}

/** Every value of nested tables with its path; arrays are values. */
export function leavesOf(table: unknown): { path: string[]; value: unknown }[] {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) return [{ path: [], value: table }]
  return Object.entries(table).flatMap(([key, inner]) =>
    leavesOf(inner).map(({ path, value }) => ({ path: [key, ...path], value })),
  )
}

/** Of several settings of one key the last counts; its place among the others is the first one's. */
export function lastOfEach(settings: readonly Setting[]): Setting[] {
  return [...new Map(settings.map((setting) => [keyName(setting.path), setting])).values()]
}

/** Nested tables from their values. */
export function tableOf(leaves: readonly Pick<Setting, 'path' | 'value'>[]): unknown {
  const [first] = leaves
  if (first?.path.length === 0) return first.value
  const inner = new Map<string, Pick<Setting, 'path' | 'value'>[]>()
  for (const { path, value } of leaves) {
    const [key = '', ...rest] = path
    const among = inner.get(key) ?? []
    among.push({ path: rest, value })
    inner.set(key, among)
  }
  return Object.fromEntries([...inner].map(([key, among]) => [key, tableOf(among)]))
}
