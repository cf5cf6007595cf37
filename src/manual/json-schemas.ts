import * as z from 'zod'
import { documents } from '../cli/documents.ts'

/** The JSON schema of each document that `--json` prints, by the name of its file. */
export function jsonSchemas(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(documents).map(([name, schema]) => [
      `${name.replace('/', '-')}.json`,
      // Of the input: what a later version adds is no mistake.
      `${JSON.stringify({ title: `kernelswap.${name}`, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`,
    ]),
  )
}
