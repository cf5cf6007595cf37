import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../host/local.ts'
import { type Accelerator, chooseAccelerator } from './accelerator.ts'
import { cachedFolder, keepLastUsed } from './cache.ts'
import type { Image } from './image.ts'
import { type Machine, makeDisk, startMachine } from './machine.ts'
import { qemuArguments } from './qemu.ts'

/** What is done to a freshly booted machine before its second snapshot is taken. */
export interface Preparation {
  /** Changes when the outcome of `prepare` would, such as a hash of the package that it installs. */
  readonly key: string
  /** Kinds of machines don't push each other off their shelf: the folder of this one's snapshots. */
  readonly shelf?: string
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
const MANNER = {
  kvm: 'under KVM',
  tcg: 'in software emulation: no working KVM',
  icount: 'in software emulation, counting instructions',
} as const
const DISK = 'disk.qcow2'
const BOOTED_KEPT = 1
/** A branch and the one it is compared with. */
const PREPARED_KEPT = 2

/**
 * Starts a machine that has booted, gone quiet and been prepared: from a snapshot if an earlier call took
 * it, else by doing all that. It answers SSH and its clock is right. Its disk vanishes with it.
 * @throws Failure if the machine doesn't come up, and whatever `prepare` throws.
 */
export async function preparedMachine(options: PreparedOptions): Promise<Machine> {
  const { image, preparation, say } = options
  const accelerator = await chooseAccelerator(image)
  const host = { image, accelerator, kinship: await fingerprint(accelerator) }
  const booted = await bootedSnapshot(host, say)
  const snapshot = preparation ? await preparedSnapshot(host, booted, preparation, say) : booted
  return startFromSnapshot(host, snapshot, options.directory)
}

/** What machines of one sort have in common. */
export interface Host {
  readonly image: Image
  readonly accelerator: Accelerator
  /** Differs between machines that can't load each other's snapshots. */
  readonly kinship: string
}

async function bootedSnapshot(host: Host, say: (line: string) => void): Promise<string> {
  const { image, accelerator, kinship } = host
  const parent = join(image.directory, 'booted')
  const folder = await cachedFolder(parent, kinship, async (directory) => {
    say(`booting the machine for its first snapshot (${MANNER[accelerator]})`)
    const disk = join(directory, DISK)
    await makeDisk(image, disk)
    const machine = await startMachine({ image, accelerator, directory, disk })
    await takeSnapshot(machine, (fresh) => fresh.settle())
  })
  await keepLastUsed(parent, BOOTED_KEPT)
  return folder
}

async function preparedSnapshot(
  host: Host,
  booted: string,
  preparation: Preparation,
  say: (line: string) => void,
): Promise<string> {
  const parent = join(host.image.directory, preparation.shelf ?? 'prepared')
  const name = hashOf(host.kinship, preparation.key)
  const folder = await cachedFolder(parent, name, async (directory) => {
    say('preparing the machine')
    await takeSnapshot(
      await startFromSnapshot(host, booted, directory, { keepDisk: true }),
      preparation.prepare,
    )
  })
  await keepLastUsed(parent, PREPARED_KEPT)
  return folder
}

/**
 * Starts a machine from a copy of a snapshot. Its disk has a name only where a snapshot of this machine is to be taken.
 * @throws Failure if it does not start; nothing of it is left then.
 */
export async function startFromSnapshot(
  { image, accelerator }: Host,
  snapshot: string,
  directory: string,
  { keepDisk = false } = {},
): Promise<Machine> {
  const disk = join(directory, DISK)
  await mkdir(directory, { recursive: true })
  const machine = await withDisk(disk, keepDisk, async () => {
    await run('cp', ['--reflink=auto', '--sparse=always', join(snapshot, DISK), disk])
    return startMachine({ image, accelerator, directory, disk, loadSnapshot: SNAPSHOT })
  })
  return orStop(machine, async () => {
    await machine.setClock()
    return machine
  })
}

/** The name of a disk goes as soon as QEMU has opened it, whose end then frees its space, or where it never did. */
async function withDisk<T>(disk: string, keepDisk: boolean, start: () => Promise<T>): Promise<T> {
  let isKept = false
  try {
    const started = await start()
    isKept = keepDisk
    return started
  } finally {
    if (!isKept) await rm(disk, { force: true })
  }
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

/** A snapshot can be loaded by the same QEMU with the same arguments on the same processor only. */
async function fingerprint(accelerator: Accelerator): Promise<string> {
  const qemu = await run('qemu-system-x86_64', ['--version'], { timeoutSeconds: 60 })
  const machine = qemuArguments({ accelerator, disk: 'disk', directory: 'directory' })
  const processor = accelerator === 'kvm' ? await processorModel() : ''
  return hashOf(qemu.stdout, ...machine, processor)
}

async function processorModel(): Promise<string> {
  return /^model name.*$/m.exec(await readFile('/proc/cpuinfo', 'utf8'))?.[0] ?? ''
}

function hashOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}
