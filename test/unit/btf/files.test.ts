import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compressionOf, payloadOf } from '../../../src/btf/boot-image.ts'
import { Btf } from '../../../src/btf/btf.ts'
import { sectionsOf, splitElves } from '../../../src/btf/elf.ts'
import { kernelExports } from '../../../src/btf/exports.ts'
import { Identities } from '../../../src/btf/identities.ts'
import { layoutOf } from '../../../src/btf/layout.ts'
import { bootImage, objectFile, typesOf } from './fixtures.ts'

test('the packed kernel is found in a boot image, gzip whole and others without their size', () => {
  const packed = gzipSync('kernel')
  expect(Buffer.from(payloadOf(bootImage(packed))!)).toEqual(packed)
  const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 6, 0, 0, 0])
  expect([...payloadOf(bootImage(zstd))!]).toEqual([...zstd.subarray(0, -4)])
  expect(compressionOf(zstd)).toBe('zstd')
})

test('what is no boot image has no payload, nor one that is cut short', () => {
  expect(payloadOf(Buffer.from('hello'))).toBeUndefined()
  expect(payloadOf(Buffer.alloc(4096))).toBeUndefined()
  expect(payloadOf(bootImage(gzipSync('kernel')).subarray(0, -1))).toBeUndefined()
})

test('the names that a kernel exports come from the tables that its modules are linked with', () => {
  expect(kernelExports(sectionsOf(objectFile('before.elf')))).toEqual(['exported', 'unchanged'])
})

test('modules that come one after the other are taken apart, with and without a signature', () => {
  const module = objectFile('before.ko')
  const signed = Buffer.concat([module, Buffer.from('signature~Module signature appended~\n')])
  const parts = splitElves(Buffer.concat([signed, module, signed, signed, module]))
  expect(parts.map(({ length }) => length)).toEqual(
    [signed, module, signed, signed, module].map(({ length }) => length),
  )
})

test('files that are cut short or something else are refused with a sentence', () => {
  expect(() => sectionsOf(objectFile('before.elf').subarray(0, 2000))).toThrow('cut short')
  expect(() => sectionsOf(Buffer.from('hello'))).toThrow('no 64-bit object file')
  expect(() => splitElves(Buffer.concat([objectFile('before.ko'), Buffer.from('rest')]))).toThrow(
    'no signature',
  )
  expect(() => new Btf(Buffer.from('hello'))).toThrow('no types')
})

/** The types of the kernel before, for a test to damage. */
function section(): Buffer {
  return Buffer.from(sectionsOf(objectFile('before.elf')).find(({ name }) => name === '.BTF')!.bytes)
}

test('a type that is made of itself is refused, not followed for ever', () => {
  const bytes = section()
  const btf = new Btf(bytes)
  // `u64 first` of `struct grown` becomes a qualifier of itself.
  const own = Array.from({ length: btf.end - 1 }, (_, index) => index + 1)
  const qualifier = own.find((id) => btf.kind(id) === 9)!
  const words = new Uint32Array(new Uint8Array(bytes.subarray(24)).buffer)
  const at = words.findIndex((_, index) => words[index]! >>> 24 === 9 && words[index - 1] === 0)
  bytes.writeUInt32LE(qualifier, 24 + 4 * (at + 1))
  const damaged = new Btf(bytes)
  const renamed = own.find((id) => damaged.name(id) === 'renamed' && damaged.kind(id) === 4)!
  expect(() => layoutOf(damaged, renamed, new Identities())).toThrow('made of itself')
})

test('any damaged byte is read or refused, and never crashes or hangs', () => {
  const whole = section()
  for (let at = 0; at < whole.length; at += 1) {
    const bytes = Buffer.from(whole)
    bytes[at] = bytes[at]! ^ 0xff
    try {
      const btf = new Btf(bytes)
      const identities = new Identities()
      for (let id = 1; id < btf.end; id += 1) if (btf.kind(id) === 4) layoutOf(btf, id, identities)
    } catch (error) {
      expect((error as Error).name).toBe('BtfError')
    }
  }
})

test('values that need 64 bits, and negative ones, are read', () => {
  const btf = typesOf('before.elf')
  const id = Array.from({ length: btf.end }, (_, each) => each).find((each) => btf.name(each) === 'large')!
  expect(btf.enumerators(id)).toEqual([
    { name: 'SMALLEST', value: -1n },
    { name: 'LARGEST', value: 0x1_0000_0000n },
  ])
})
