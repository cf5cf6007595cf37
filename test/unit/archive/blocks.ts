/** A header block, field by field (tar(5)): what tar-stream doesn't write. */
export interface Fields {
  readonly name?: string
  readonly flag?: string
  readonly mode?: string
  readonly size?: string
  readonly linkname?: string
  readonly magic?: string
  readonly prefix?: string
}

const block = 512

/** A header with the right checksum, and its content in whole blocks. */
export function entry(fields: Fields, content: string | Buffer = ''): Buffer {
  const header = Buffer.alloc(block)
  const bytes = Buffer.from(content)
  const at = (text: string, offset: number) => header.write(text, offset, 'latin1')
  at(fields.name ?? 'a', 0)
  at(fields.mode ?? '0000644\0', 100)
  at('0000000\x000000000\0', 108)
  at(fields.size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124)
  at('00000000000\0', 136)
  at(fields.flag ?? '0', 156)
  at(fields.linkname ?? '', 157)
  at(fields.magic ?? 'ustar\x0000', 257)
  at(fields.prefix ?? '', 345)
  return Buffer.concat([withChecksum(header), bytes, Buffer.alloc(-bytes.length & (block - 1))])
}

/** Puts the right checksum into a header. */
export function withChecksum(header: Buffer): Buffer {
  header.write('        ', 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** A pax header for the entry that follows. */
export function pax(records: Readonly<Record<string, string>>, flag = 'x'): Buffer {
  return entry({ name: 'PaxHeader', flag }, Object.entries(records).map(record).join(''))
}

function record([key, value]: [string, string]): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  const length = [1, 2, 3, 4, 5]
    .map((digits) => rest + digits)
    .find((total) => String(total).length === total - rest)
  return `${length} ${key}=${value}\n`
}

/** A whole archive of these pieces. */
export function archiveOf(...pieces: readonly Buffer[]): Buffer {
  return Buffer.concat([...pieces, Buffer.alloc(2 * block)])
}
