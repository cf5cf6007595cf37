/** A section of an object file. */
export interface Section {
  readonly name: string
  readonly type: number
  /** Where it is loaded; a kernel's own addresses are too large for exact numbers. */
  readonly address: bigint
  /** The section that it belongs with: of a table of symbols the one with their names. */
  readonly link: number
  readonly bytes: Buffer
}

/** Bytes that are no object file that a 64-bit, little-endian kernel could be. */
export class ElfError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ElfError'
  }
}

const headerBytes = 64
const noBits = 8

/** True where bytes begin as an object file does. */
export function isElf(bytes: Uint8Array, at = 0): boolean {
  return bytes[at] === 0x7f && bytes[at + 1] === 0x45 && bytes[at + 2] === 0x4c && bytes[at + 3] === 0x46
}

/** The sections of an object file, in its order (elf(5)). @throws ElfError */
export function sectionsOf(file: Uint8Array): Section[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const { view, table, entry, count, names } = headerOf(bytes)
  const raw = Array.from({ length: count }, (_, index) => {
    const at = table + index * entry
    const type = view.getUint32(at + 4, true)
    const from = Number(view.getBigUint64(at + 24, true))
    const size = type === noBits ? 0 : Number(view.getBigUint64(at + 32, true))
    if (from + size > bytes.length) throw new ElfError('The object file is cut short.')
    return {
      nameAt: view.getUint32(at, true),
      type,
      address: view.getBigUint64(at + 16, true),
      link: view.getUint32(at + 40, true),
      bytes: bytes.subarray(from, from + size),
    }
  })
  const texts = raw[names]?.bytes ?? Buffer.alloc(0)
  return raw.map(({ nameAt, ...section }) => ({ ...section, name: textAt(texts, nameAt) }))
}

function headerOf(bytes: Uint8Array) {
  if (!isElf(bytes) || bytes.length < headerBytes || bytes[4] !== 2 || bytes[5] !== 1)
    throw new ElfError('It is no 64-bit object file.')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const table = Number(view.getBigUint64(0x28, true))
  const entry = view.getUint16(0x3a, true)
  const count = view.getUint16(0x3c, true)
  if (table + entry * count > bytes.length) throw new ElfError('The object file is cut short.')
  return { view, table, entry, count, names: view.getUint16(0x3e, true) }
}

/** The text that begins at a place and ends with a zero; names in object files are ASCII. */
export function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at)
  return bytes.toString('latin1', at, end < 0 ? bytes.length : end)
}

/** The end of a signed module (Documentation/admin-guide/module-signing.rst). */
const signatureMark = Buffer.from('~Module signature appended~\n')

/**
 * Takes object files apart that come one after the other, as when several are unpacked in one go. Modules have their
 * signature behind them, of which the file's own header knows nothing.
 * @throws ElfError where something else lies between.
 */
export function splitElves(bytes: Uint8Array): Uint8Array[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const files: Uint8Array[] = []
  let at = 0
  while (at < all.length) {
    const own = at + extentOf(all.subarray(at))
    const end = own === all.length || isElf(all, own) ? own : endOfSignature(all, own)
    files.push(all.subarray(at, end))
    at = end
  }
  return files
}

function endOfSignature(bytes: Buffer, from: number): number {
  const mark = bytes.indexOf(signatureMark, from)
  if (mark < 0) throw new ElfError('Behind a module is something that is no signature.')
  return mark + signatureMark.length
}

/** Bytes up to the end of its last section, or of the table of them. */
function extentOf(bytes: Uint8Array): number {
  const { view, table, entry, count } = headerOf(bytes)
  let end = table + entry * count
  for (let at = table; at < table + entry * count; at += entry) {
    if (view.getUint32(at + 4, true) === noBits) continue
    end = Math.max(end, Number(view.getBigUint64(at + 24, true)) + Number(view.getBigUint64(at + 32, true)))
  }
  return end
}
