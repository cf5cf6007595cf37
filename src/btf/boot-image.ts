/** How a kernel or a module is packed. */
export type Compression = 'none' | 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzop' | 'lz4' | 'zstd'

/** How files of each kind begin (lib/decompress.c of the kernel). */
const beginnings: readonly (readonly [Compression, readonly number[]])[] = [
  ['none', [0x7f, 0x45, 0x4c, 0x46]],
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['lzop', [0x89, 0x4c, 0x5a, 0x4f]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lzma', [0x5d, 0x00, 0x00]],
]

/** How bytes are packed, undefined where their beginning says nothing. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  return beginnings.find(([, beginning]) => beginning.every((byte, index) => bytes[index] === byte))?.[0]
}

const sectorBytes = 512
/** Bytes of the unpacked kernel's size, which the build puts behind what is packed; gzip has it itself. */
const sizeBytes = 4

/**
 * The packed kernel in a `vmlinuz`; undefined for what is no boot image that tells where it is, as all do since
 * protocol 2.08 (Documentation/arch/x86/boot.rst: setup_sects, header, version, payload_offset, payload_length).
 */
export function payloadOf(image: Uint8Array): Uint8Array | undefined {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  if (image.length < 0x250 || view.getUint32(0x202, true) !== 0x53726448) return undefined
  if (view.getUint16(0x206, true) < 0x208) return undefined
  // Of a boot sector that says 0 there are 4.
  const setup = (view.getUint8(0x1f1) || 4) + 1
  const from = setup * sectorBytes + view.getUint32(0x248, true)
  const to = from + view.getUint32(0x24c, true)
  if (to > image.length) return undefined
  const payload = image.subarray(from, to)
  const hasOwnSize = ['gzip', 'none'].includes(compressionOf(payload) ?? 'none')
  return hasOwnSize ? payload : payload.subarray(0, -sizeBytes)
}
