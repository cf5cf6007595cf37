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

/**
 * The settings in a drop-in.
 * @throws Failure 'configuration' naming file, line and key, and what was expected there.
 */
export function settingsIn({ file, text }: DropIn, schema: z.ZodType): Setting[] {
  const lineOf = keyLines(text)
  const checked = schema.safeParse(tableIn(file, text))
  if (checked.success) {
    return leavesOf(checked.data).map(({ path, value }) => ({
      path,
      value,
      origin: { file, line: lineOf(path) ?? 1 },
    }))
  }
  const issue = checked.error.issues[0]!
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
  // A key that is missing has no line: that of the table it belongs to.
  const line = lineOf(path) ?? lineOf(path.slice(0, -1)) ?? 1
  throw new Failure(
    'configuration',
    `${file}:${line}: ${keyName(path)}: ${complaint(issue, schema)}; correct the file.`,
    { cause: checked.error },
  )
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
  const keys = [...new Set(leaves.map(({ path }) => path[0]!))]
  return Object.fromEntries(
    keys.map((key) => {
      const inner = leaves.filter(({ path }) => path[0] === key)
      return [key, tableOf(inner.map(({ path, value }) => ({ path: path.slice(1), value })))]
    }),
  )
}
