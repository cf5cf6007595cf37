import { payloadOf } from '../btf/boot-image.ts'
import { Btf } from '../btf/btf.ts'
import type { TypeSource } from '../btf/compare.ts'
import { type Section, sectionsOf, splitElves } from '../btf/elf.ts'
import { kernelExports, moduleExports } from '../btf/exports.ts'
import { Failure } from '../errors.ts'
import type { KernelFiles, ModuleFile } from '../os/kernel-files.ts'
import { runningKernel } from '../os/kernel-release.ts'
import { unpack } from '../tools/unpack.ts'
import { readRunningTypes } from './installed.ts'

const kernelName = 'vmlinux'

/**
 * The types of a kernel and of all its modules. Of the running one, where its files are no longer those that it was
 * started from, what it tells itself: its own and those of loaded modules, without what is exported.
 * @throws Failure 'refused' for a kernel that tells nothing of its types.
 */
export async function typesOf(files: KernelFiles): Promise<TypeSource[]> {
  const sections = files.image && sectionsOf(await unpackImage(files.release, files.image))
  const bytes = sections && sectionNamed(sections, '.BTF')
  if (files.release === runningKernel()) {
    const running = await readRunningTypes()
    const own = running.get(kernelName)
    if (own && !(bytes && Buffer.from(own).equals(bytes))) return runningTypes(own, running)
  }
  if (!sections || !bytes)
    throw new Failure(
      'refused',
      `Kernel ${files.release} tells nothing of its types: it is built without CONFIG_DEBUG_INFO_BTF.`,
    )
  const btf = new Btf(bytes)
  const kernel = { name: kernelName, btf, exports: kernelExports(sections) }
  return [kernel, ...(await moduleTypes(files.modules, btf))]
}

function runningTypes(own: Uint8Array, running: ReadonlyMap<string, Uint8Array>): TypeSource[] {
  const btf = new Btf(own)
  const modules = [...running].filter(([name]) => name !== kernelName)
  return [
    { name: kernelName, btf, exports: null },
    ...modules.map(([name, bytes]) => ({ name, btf: new Btf(bytes, btf), exports: null })),
  ]
}

async function unpackImage(release: string, image: Uint8Array): Promise<Uint8Array> {
  const payload = payloadOf(image)
  if (payload === undefined)
    throw new Failure('refused', `The file of kernel ${release} is no boot image as x86 has them.`)
  return unpack(payload)
}

/** Modules are unpacked this many bytes at a time: one program for each of thousands would take longer than its work. */
const batchBytes = 4 * 1024 * 1024

async function moduleTypes(modules: readonly ModuleFile[], base: Btf): Promise<TypeSource[]> {
  const sources: TypeSource[] = []
  for (const batch of batchesOf(modules)) {
    const files = splitElves(await unpack(Buffer.concat(batch.map(({ bytes }) => bytes))))
    for (const [index, { name }] of batch.entries()) {
      const sections = sectionsOf(files[index]!)
      const bytes = sectionNamed(sections, '.BTF')
      // A module that was built elsewhere has what it needs of the kernel's types with it.
      const own = sectionNamed(sections, '.BTF.base')
      if (bytes)
        sources.push({
          name,
          btf: new Btf(bytes, own ? new Btf(own) : base),
          exports: moduleExports(sections),
        })
    }
  }
  return sources
}

function* batchesOf(modules: readonly ModuleFile[]): Generator<ModuleFile[]> {
  let batch: ModuleFile[] = []
  let size = 0
  for (const module of modules) {
    batch.push(module)
    size += module.bytes.length
    if (size < batchBytes) continue
    yield batch
    batch = []
    size = 0
  }
  if (batch.length > 0) yield batch
}

function sectionNamed(sections: readonly Section[], wanted: string): Uint8Array | undefined {
  return sections.find(({ name }) => name === wanted)?.bytes
}
