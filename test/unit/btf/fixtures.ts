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
  const exports = moduleExports(sectionsOf(objectFile('module.ko')))
  return { name: 'module', btf: typesOf('module.ko', kernel.btf), exports }
}
