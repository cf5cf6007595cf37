import * as z from 'zod'
import { configurationSchema, defaults } from '../config/configuration.ts'

/** One key of the configuration, as manual and shipped file tell it. */
export interface ConfigurationKey {
  /** The table it belongs to as TOML writes it, `[fleet-lock]`; undefined for the top. */
  readonly table: string | undefined
  readonly name: string
  readonly description: string
  /** What it takes, in words. */
  readonly type: string
  /** What holds without it, as TOML; undefined where nothing does. */
  readonly default: string | undefined
  /** A value to show, as TOML: the default where there is one. */
  readonly example: string
}

/** The part of a JSON schema (draft 2020-12) that the configuration's own needs. */
interface Schema {
  readonly type?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  /** For tables with any keys; `false` elsewhere, which has no properties either. */
  readonly additionalProperties?: Schema
}

/** All keys, those outside any table first, as TOML has to have them. */
export function configurationKeys(): ConfigurationKey[] {
  const { properties = {} } = z.toJSONSchema(configurationSchema, { io: 'input' }) as Schema
  const tables = Object.entries(properties).filter(([, schema]) => schema.type === 'object')
  const top = Object.entries(properties).filter(([, schema]) => schema.type !== 'object')
  return [
    ...top.map(([name, schema]) => keyOf(undefined, name, schema)),
    ...tables.flatMap(([name, schema]) => keysOfTable(name, schema)),
  ]
}

/** A table with keys of its own, or one with a table for each unit. */
function keysOfTable(name: string, { properties, additionalProperties }: Schema): ConfigurationKey[] {
  const table = properties ? `[${name}]` : `[${name}."app.service"]`
  const keys = properties ?? additionalProperties?.properties ?? {}
  return Object.entries(keys).map(([key, schema]) => keyOf(table, key, schema))
}

function keyOf(table: string | undefined, name: string, schema: Schema): ConfigurationKey {
  const known = table === undefined ? (defaults as Readonly<Record<string, unknown>>)[name] : schema.default
  return {
    table,
    name,
    description: schema.description ?? '',
    type: typeOf(schema),
    default: known === undefined ? undefined : toml(known),
    example: toml(known ?? schema.examples?.[0]),
  }
}

function typeOf({ type, enum: options, minimum, maximum }: Schema): string {
  if (options) return options.map(toml).join(' or ')
  // zod gives integers without a bound the largest safe one.
  const upTo = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`
  if (type === 'integer') return `integer, ${minimum}${upTo || ' or more'}`
  if (type === 'array') return 'array of strings'
  return type === 'object' ? 'table of strings' : 'string'
}

function toml(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key} = ${toml(inner)}`)
    .join(', ')} }`
}
