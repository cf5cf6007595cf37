import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../host/local.ts'
import { type Accelerator, chooseAccelerator } from './accelerator.ts'
import { cachedFolder, keepLastUsed } from './cache.ts'
import type { Image } from './image.ts'
import { disownDisk, type Machine, makeDisk, startMachine } from './machine.ts'
import { qemuArguments } from './qemu.ts'

/** What is done to a freshly booted machine before its second snapshot is taken. */
export interface Preparation {
  /** Changes when the outcome of `prepare` would, such as a hash of the package that it installs. */
  readonly key: string
  prepare(machine: Machine): Promise<void>
}

export interface PreparedOptions {
  readonly image: Image
  /** Made if missing; gets console.log and qemu.log of the machine. */
  readonly directory: string
  readonly preparation?: Preparation
  readonly say: (line: string) => void
}

const SNAPSHOT = 'ready'
const PREPARED_KEPT = 2

/**
 * Starts a machine that has booted, gone quiet and been prepared: from a snapshot if an earlier call took
 * it, else by doing all that. It answers SSH and its clock is right. Its disk vanishes with it.
 * @throws Failure if the machine doesn't come up, and whatever `prepare` throws.
 */
export async function preparedMachine(options: PreparedOptions): Promise<Machine> {
  const { image, directory, preparation, say } = options
  const accelerator = await chooseAccelerator(image)
  const kinship = await fingerprint(image, accelerator)
  const booted = await cachedFolder(join(image.directory, 'booted'), kinship, async (folder) => {
    say('booting the machine for its first snapshot')
    await makeDisk(image, join(folder, 'disk.qcow2'))
    const machine = await startMachine({
      image,
      accelerator,
      directory: folder,
      disk: join(folder, 'disk.qcow2'),
    })
    await takeSnapshot(machine, (fresh) => fresh.settle())
  })
  await keepLastUsed(join(image.directory, 'booted'), 1)
  if (preparation === undefined) return startFrom(booted, { image, accelerator, directory })

  const parent = join(image.directory, 'prepared')
  const prepared = await cachedFolder(parent, hashOf(kinship, preparation.key), async (folder) => {
    say('preparing the machine')
    const disk = await copyDisk(booted, folder)
    const machine = await resume({ image, accelerator, directory: folder, disk })
    await takeSnapshot(machine, preparation.prepare)
  })
  await keepLastUsed(parent, PREPARED_KEPT)
  return startFrom(prepared, { image, accelerator, directory })
}

async function startFrom(
  snapshot: string,
  options: { image: Image; accelerator: Accelerator; directory: string },
): Promise<Machine> {
  const disk = await copyDisk(snapshot, options.directory)
  const machine = await resume({ ...options, disk })
  await disownDisk(disk)
  return machine
}

async function resume(options: {
  image: Image
  accelerator: Accelerator
  directory: string
  disk: string
}): Promise<Machine> {
  const machine = await startMachine({ ...options, loadSnapshot: SNAPSHOT })
  return orStop(machine, async () => {
    await machine.setClock()
    return machine
  })
}

async function takeSnapshot(machine: Machine, prepare: (machine: Machine) => Promise<void>): Promise<void> {
  await orStop(machine, async () => {
    await prepare(machine)
    await machine.saveSnapshot(SNAPSHOT)
  })
}

async function orStop<T>(machine: Machine, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await machine.stop()
    throw error
  }
}

async function copyDisk(from: string, directory: string): Promise<string> {
  const disk = join(directory, 'disk.qcow2')
  await mkdir(directory, { recursive: true })
  await run('cp', ['--reflink=auto', '--sparse=always', join(from, 'disk.qcow2'), disk])
  return disk
}

/** A snapshot can be loaded by the same QEMU with the same arguments on the same processor only. */
async function fingerprint(image: Image, accelerator: Accelerator): Promise<string> {
  const qemu = await run('qemu-system-x86_64', ['--version'], { timeoutSeconds: 60 })
  const machine = qemuArguments({ image, accelerator, disk: 'disk', directory: 'directory' })
  const processor = accelerator === 'kvm' ? await processorModel() : ''
  return hashOf(qemu.stdout, ...machine, processor)
}

async function processorModel(): Promise<string> {
  return /^model name.*$/m.exec(await readFile('/proc/cpuinfo', 'utf8'))?.[0] ?? ''
}

function hashOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}
