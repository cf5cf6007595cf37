/** A member of a tar archive, of whatever type. */
export interface Member {
  readonly name: string
  /** As tar(5) has it, such as `0` for a file. */
  readonly type: string
  readonly link: string
  readonly content: string
}

const block = 512

/** An archive, byte by byte: what no library would write. */
export function blocksOf(members: readonly Member[]): Buffer {
  const parts = members.flatMap(({ name, type, link, content }) => {
    const body = Buffer.from(content)
    const header = Buffer.alloc(block)
    header.write(name.slice(0, 99), 0)
    header.write('0000644\0', 100)
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(link.slice(0, 99), 157)
    header.write('ustar\x0000', 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [header, body, Buffer.alloc((block - (body.length % block)) % block)]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}
