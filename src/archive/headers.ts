/** Headers and contents of a tar archive begin at multiples of this (tar(5)). */
export const blockBytes = 512

/** A header block, as it stands. Names are bytes, each a character (latin1): whatever they are, they stay it. */
export interface Header {
  /** Kind of entry, or of what is told of the entry that follows. */
  readonly flag: string
  readonly name: string
  readonly linkname: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of the content that follows. */
  readonly size: number
}

/** What is told of an entry before its header, by a pax header or GNU's long names. */
export interface Extension {
  readonly name?: string
  readonly linkname?: string
  readonly size?: number
  readonly uid?: number
  readonly gid?: number
}

/** The two formats that tar(1) and we write: POSIX, whose version is 00, and GNU's. */
const magics = ['ustar\x0000', 'ustar  \0']

/**
 * Reads a header block; undefined for one of zeros. It takes what every tar reads the same way, and nothing else: what
 * is checked here is unpacked by another program.
 * @throws Error for anything else.
 */
export function parseHeader(block: Buffer): Header | undefined {
  if (isZero(block)) return undefined
  if (number(block, 148, 8) !== checksum(block)) throw new Error('the checksum of a header is wrong')
  const magic = block.toString('latin1', 257, 265)
  if (!magics.includes(magic)) throw new Error('a header has another format than tar(1) writes')
  const prefix = magic === magics[0] ? textAt(block, 345, 155) : ''
  return {
    flag: String.fromCharCode(block[156]!),
    name: prefix === '' ? textAt(block, 0, 100) : `${prefix}/${textAt(block, 0, 100)}`,
    linkname: textAt(block, 157, 100),
    mode: number(block, 100, 8),
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
  }
}

/** Records of a pax header that are known; of times and names of owners nothing is decided. */
const paxKeys = ['path', 'linkpath', 'size', 'mtime', 'atime', 'ctime', 'uid', 'gid', 'uname', 'gname']

/** Reads a pax header's content (pax(1), "pax Extended Header"). @throws Error for other records than those, such as GNU's of sparse files. */
export function parsePax(content: Buffer): Extension {
  const records = new Map<string, string>()
  for (let rest = content.toString('latin1'); rest !== ''; ) {
    const [start = '', digits] = /^([1-9]\d{0,6}) /.exec(rest) ?? []
    const record = rest.slice(start.length, Number(digits))
    const [whole, key = '', value = ''] = /^([^=]+)=([^\0]*)\n$/s.exec(record) ?? []
    if (whole === undefined || rest.length < Number(digits))
      throw new Error('a pax header is no list of records')
    if (!paxKeys.includes(key)) throw new Error(`a pax header has ${JSON.stringify(key.slice(0, 100))}`)
    if (records.has(key) || value === '') throw new Error(`a pax header has no one ${key}`)
    records.set(key, value)
    rest = rest.slice(Number(digits))
  }
  return {
    ...text('name', records.get('path')),
    ...text('linkname', records.get('linkpath')),
    ...count('size', records.get('size')),
    ...count('uid', records.get('uid')),
    ...count('gid', records.get('gid')),
  }
}

function text<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string }
}

function count<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: number } {
  if (value !== undefined && !/^\d{1,15}$/.test(value))
    throw new Error(`a pax header has a ${key} that is none`)
  return (value === undefined ? {} : { [key]: Number(value) }) as { readonly [P in K]?: number }
}

/** Reads the content of one of GNU's long names, which ends with the only NUL. @throws Error for anything else. */
export function parseLongName(content: Buffer): string {
  const name = content.toString('latin1')
  if (name.length < 2 || name.indexOf('\0') !== name.length - 1) throw new Error('a long name is none')
  return name.slice(0, -1)
}

/** True for zeros alone, such as the two blocks at an archive's end. */
export function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}

function textAt(block: Buffer, start: number, length: number): string {
  const field = block.toString('latin1', start, start + length)
  const end = field.indexOf('\0')
  return end < 0 ? field : field.slice(0, end)
}

/** Octal digits, or with a first byte of 0x80 a large number, most significant byte first (tar(5), "Numeric Extensions"). */
function number(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length)
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
    if (Number.isSafeInteger(value)) return value
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) throw new Error('a header has a number that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** The sum of all bytes, those of the sum itself taken for blanks. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
}
