import { expect } from 'vitest'
import { documents } from '../src/cli/documents.ts'

/** Expects a document, or lines of events, to be what its schema says: a schema drops what it doesn't know. */
export function expectDocument(text: string, name: string): void {
  const schema = documents[name]
  if (!schema) throw new Error(`there is no document ${name}`)
  const all = name === 'event/1' ? text.trimEnd().split('\n') : [text]
  for (const one of all) {
    const document: unknown = JSON.parse(one)
    expect(document).toMatchObject({ schema: `kernelswap.${name}` })
    expect(schema.parse(document), name).toEqual(document)
  }
}
