import { lstatSync } from 'node:fs'
import { chmod, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { OnRestoreFailure } from '../config/configuration.ts'
import { makeDirectory, syncDirectory, writeDurably } from '../durable.ts'
import { ifMissing } from '../errors.ts'
import { isThere } from '../files.ts'
import { run } from '../host/local.ts'
import {
  type CheckpointFile,
  checkpointFile,
  landingFile,
  layoutVersion,
  runFile,
  scriptFile,
} from '../layout.ts'
import type { AddressBook } from '../network/addresses.ts'
import { paths } from '../paths.ts'
import type { KernelImage } from '../tools/kexec.ts'
import { syncFileSystem } from '../tools/sync.ts'
import { foreignSession } from '../workload/ids.ts'
import { imagesOf } from '../workload/images.ts'
import type { RoomTies } from '../workload/room.ts'
import type { Workload } from '../workload/workload.ts'

/** Restores what is sealed, in the boot that finds it so. */
export const landingUnit = 'kernelswap-land.service'

/** Calls `kernelswap resume` in each boot that finds a swap pending. */
export const settleUnit = 'kernelswap-settle.service'

/** A workload that the landing restores. */
export interface Carried {
  readonly workload: Workload
  readonly ties: RoomTies
  /** Where its checkpoint will lie. */
  readonly checkpoint: string
  /** What the landing does where it can't be restored. */
  readonly onRestoreFailure: OnRestoreFailure
}

export interface LandingPlan {
  /** The swap's directory. */
  readonly swap: string
  /** Boot that stages it: the generator leaves that one alone. */
  readonly boot: string
  /** PIDs up to here belong to the checkpoint. */
  readonly lastPid: number
  /** The restored tasks wait for `releaseLanding`. */
  readonly hold: boolean
  /** The kernel to go back to; undefined where the checkpoint came by no jump. */
  readonly back: KernelImage | undefined
  /** Program and arguments that aim the boot loader again, for a boot that has fallen back. */
  readonly aim: readonly string[] | undefined
  readonly addresses: AddressBook
  /** The boot that restores without having begun with it: its links, addresses and routes are left alone. */
  readonly up: string | undefined
  /** No file system but the root waits for a device: the landing may come before udev. */
  readonly early: boolean
  /** Socket units that come before the units' rooms are made. */
  readonly sockets: readonly string[]
  readonly carried: readonly Pick<Carried, 'workload' | 'checkpoint'>[]
}

/**
 * Writes what the next boot needs to put the services back. Nothing of it takes effect before `sealLanding`.
 * It stays outside /etc/systemd: a generator hands the drop-ins to systemd while a sealed swap is pending.
 * One sync brings all of it to disk: with one for each file, many units would take minutes.
 */
export async function writeLanding(plan: LandingPlan): Promise<void> {
  const directory = paths.landing
  await removeLanding()
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const write = (name: Parameters<typeof landingFile>[0], content: string) =>
    writeFile(landingFile(name), content, { mode: 0o600 })
  await write('layout-version', `${layoutVersion}\n`)
  await symlink(plan.swap, landingFile('swap'))
  await write('boot-id', `${plan.boot}\n`)
  await write('last-pid', `${plan.lastPid}\n`)
  await write('links', lines(plan.addresses.links))
  await write('addresses', plan.addresses.arrive)
  await write('routes', plan.addresses.settle)
  await write('units.list', lines(plan.carried.map(({ workload }) => workload.unit)))
  if (plan.sockets.length > 0) await write('sockets', lines(plan.sockets))
  if (plan.back)
    await write('back', [plan.back.kernel, plan.back.initrd, plan.back.commandLine, ''].join('\n'))
  if (plan.aim) await write('fallback', lines(plan.aim))
  if (plan.up !== undefined) await write('up', `${plan.up}\n`)
  if (plan.early) await write('early', '')
  if (plan.hold) await write('hold', '')
  for (const { workload, checkpoint } of plan.carried) {
    for (const { path, content } of workload.unitFiles(checkpoint)) {
      const file = join(landingFile('units'), path)
      // Everybody may read units: the generator hands them out as they are here.
      await makeDirectory(dirname(file), 0o755)
      await writeFile(file, content)
      await chmod(file, 0o644)
    }
  }
  await syncFileSystem(directory)
}

function lines(values: readonly string[]): string {
  return values.map((value) => `${value}\n`).join('')
}

/** Begins a workload's checkpoint with what the landing reads in it; the seal brings that to disk with all the rest. */
export async function prepareCheckpoint(carried: Carried): Promise<void> {
  const { workload, ties, checkpoint, onRestoreFailure } = carried
  await mkdir(checkpoint, { recursive: true, mode: 0o700 })
  const write = (name: CheckpointFile, content: string) =>
    writeFile(checkpointFile(checkpoint, name), content, { mode: 0o600 })
  await write('main-pid', `${workload.mainPid}\n`)
  const session = foreignSession(workload.mainPid)
  if (session !== undefined) await write('session', `${session}\n`)
  await write('on-restore-failure', `${onRestoreFailure}\n`)
  await imagesOf(checkpoint).prepare(ties)
}

/** Writes the rules that hold the sockets' packets from the first moment of the next boot. */
export async function writeLandingGate(rules: string): Promise<void> {
  await writeDurably(landingFile('gate.nft'), rules)
}

/** Writes what the landing's `wake` tells the peers of the restored connections. */
export async function writeLandingPeers(awaited: string): Promise<void> {
  await writeDurably(landingFile('peers'), awaited)
}

/** Writes what the landing's `mend` puts right before the tasks go on. */
export async function writeLandingMendings(lines: string): Promise<void> {
  await writeDurably(landingFile('mend'), lines)
}

/** From here on the next boot restores the checkpoint. */
export async function sealLanding(): Promise<void> {
  await syncDirectory(paths.landing)
  await writeDurably(landingFile('sealed'), '')
}

/** From here on no boot restores the checkpoint. */
export async function unsealLanding(): Promise<void> {
  await rm(landingFile('sealed'), { force: true })
  if (await isThere(paths.landing)) await syncDirectory(paths.landing)
}

/** How far the landing is, as the boot with this id finds it. */
export type LandingState =
  /** Nothing is sealed: no boot restores anything. */
  | 'unsealed'
  /** Sealed: this boot restored the tasks, and they don't run yet. */
  | 'sealed'
  /** This boot let the restored tasks go on. */
  | 'released'
  /** Another boot let them go on, and went down with them. */
  | 'stale'

/** @throws what keeps it from being read: a seal that nobody sees must not count as none. */
export async function landingState(boot: string): Promise<LandingState> {
  // It outweighs a seal, which the disk may have kept (landing/static/release).
  const released = await readFile(landingFile('released'), 'utf8').catch(ifMissing(''))
  if (released !== '') return released.trim() === boot ? 'released' : 'stale'
  return (await isThere(landingFile('sealed'))) ? 'sealed' : 'unsealed'
}

/** Version of a landing's layout (layout.ts), this host's or another's; undefined where it tells none. */
export async function landingLayout(directory?: string): Promise<string | undefined> {
  return (
    await readFile(landingFile('layout-version', directory), 'utf8').catch(ifMissing(undefined))
  )?.trim()
}

/** Name of the directory of the swap that the landing belongs to: its id. */
export async function landingSwap(): Promise<string> {
  return basename(await readlink(landingFile('swap')))
}

/**
 * Lets the restored tasks go on and opens the gate: what `land` does itself unless it was told to hold them. May be called
 * again, while the landing is there.
 * @throws where they are held as before: the disk could not be told; or where some stay stopped though they are released.
 */
export async function releaseLanding(): Promise<void> {
  await run(scriptFile('release'), [])
}

/** True where the tasks that this boot has restored all went on, and the gate was opened. */
export function isReleaseDone(): Promise<boolean> {
  return isThere(runFile('released'))
}

/** Tries once more to restore units; `hasLanded` tells of each whether it is back. */
export async function restoreUnits(units: readonly string[]): Promise<void> {
  if (units.length > 0) await run(scriptFile('restore-units'), [], { input: lines(units) })
}

/** True for a unit that this boot has restored; false too for one that no boot was to restore. */
export function hasLanded(unit: string): boolean {
  // Anything but its absence that hides it throws: a unit that came back must not start cold.
  return lstatSync(runFile('landed', unit), { throwIfNoEntry: false }) !== undefined
}

/**
 * Jumps into the kernel before, where the landing restores the checkpoint once more. Only while the landing is sealed.
 * Returns only by throwing.
 */
export async function goBack(): Promise<never> {
  await run(scriptFile('back'), [])
  throw new Error('internal error: the jump returned')
}

/** Takes the landing away: the seal first, so that no boot finds half of it. */
export async function removeLanding(): Promise<void> {
  await unsealLanding()
  await rm(paths.landing, { recursive: true, force: true })
}
