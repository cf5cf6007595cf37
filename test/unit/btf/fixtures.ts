import { readFileSync } from 'node:fs'
import { Btf } from '../../../src/btf/btf.ts'
import type { TypeSource } from '../../../src/btf/compare.ts'
import { sectionsOf } from '../../../src/btf/elf.ts'
import { kernelExports, moduleExports } from '../../../src/btf/exports.ts'

/** An object file that test/fixtures/btf/make.sh made. */
export function objectFile(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/btf/${name}`, import.meta.url))
}

export function typesOf(name: string, base?: Btf): Btf {
  return new Btf(sectionsOf(objectFile(name)).find((section) => section.name === '.BTF')!.bytes, base)
}

/** The kernel, before or after, as a source of types. */
export function kernelOf(name: 'before.elf' | 'after.elf'): TypeSource {
  return { name: 'vmlinux', btf: typesOf(name), exports: kernelExports(sectionsOf(objectFile(name))) }
}

/** The module of the kernel before. */
export function moduleOf(kernel: TypeSource): TypeSource {
  const exports = moduleExports(sectionsOf(objectFile('before.ko')))
  return { name: 'module', btf: typesOf('before.ko', kernel.btf), exports }
}

/** A boot image with a payload, as Documentation/arch/x86/boot.rst has it. */
export function bootImage(payload: Uint8Array): Buffer {
  const image = Buffer.alloc(512 * 3 + 64 + payload.length)
  image[0x1f1] = 2
  image.write('HdrS', 0x202)
  image.writeUInt16LE(0x20f, 0x206)
  image.writeUInt32LE(64, 0x248)
  image.writeUInt32LE(payload.length, 0x24c)
  image.set(payload, 512 * 3 + 64)
  return image
}
