import { type Section, textAt } from './elf.ts'

/** Of an entry of a table of exported symbols: where its value is, where its name is, where its namespace's name is. */
const entryBytes = 12

/**
 * Names of what a kernel exports to its modules: its image has no symbols, but the tables that modules are linked
 * with. Each place in them is told as the distance from the field that tells it (include/linux/export-internal.h).
 */
export function kernelExports(sections: readonly Section[]): string[] {
  const strings = sections.find(({ name }) => name === '__ksymtab_strings')
  if (strings === undefined) return []
  return sections
    .filter(({ name }) => name === '__ksymtab' || name === '__ksymtab_gpl')
    .flatMap(({ bytes, address }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const distance = Number(address - strings.address)
      return Array.from({ length: Math.floor(bytes.length / entryBytes) }, (_, index) => {
        const field = index * entryBytes + 4
        return textAt(strings.bytes, distance + field + view.getInt32(field, true))
      })
    })
}

const symbolTable = 2
const symbolBytes = 24
const prefix = Buffer.from('__ksymtab_')

/** Names of what a module exports: it has a symbol for each entry of such a table. */
export function moduleExports(sections: readonly Section[]): string[] {
  const symbols = sections.find(({ type }) => type === symbolTable)
  const strings = symbols && sections[symbols.link]
  if (!symbols || !strings) return []
  const view = new DataView(symbols.bytes.buffer, symbols.bytes.byteOffset, symbols.bytes.byteLength)
  const names: string[] = []
  for (let at = 0; at + symbolBytes <= symbols.bytes.length; at += symbolBytes) {
    const from = view.getUint32(at, true)
    if (strings.bytes.subarray(from, from + prefix.length).equals(prefix))
      names.push(textAt(strings.bytes, from + prefix.length))
  }
  return names
}
