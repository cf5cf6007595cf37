import { join } from 'node:path'
import { paths } from './paths.ts'

/**
 * The contract with the landing: every file and directory that TypeScript writes and a script in landing/static reads, or the
 * other way round, or that scripts leave for each other. A test holds both sides to it.
 *
 * Its version goes up with every change that one side could not understand of the other: checkpoints outlast the package that
 * took them. Whoever refuses another version still reads `layout-version`, `sealed`, `released`, `boot-id`, `swap`,
 * `units.list` and `gate.nft`, so those keep their names and forms.
 */
export const layoutVersion = 1

/** The landing's programs, in the library's directory. */
export const scripts = [
  'back',
  'check-seal',
  'execute-kexec',
  'in-session',
  'land',
  'mend',
  'release',
  'restore-files',
  'restore-unit',
  'restore-units',
  'wake',
] as const
export type Script = (typeof scripts)[number]

/** What those in Perl load from there (tools/task-library.ts). */
export const libraries = ['tasks.pl'] as const

/** Who writes or reads: `kernelswap` is what is written in TypeScript, `criu` is told by a script where to. */
export type Party =
  | Script
  | 'criu'
  | 'kernelswap'
  | 'kernelswap-generator'
  | 'kernelswap-land.service'
  | 'kernelswap-settle.service'

export interface Entry {
  /** Who writes it, or takes it away. */
  readonly from: readonly Party[]
  readonly to: readonly Party[]
}

export const layout = {
  /** `paths.landing`: what the next boot is to do. */
  landing: {
    'layout-version': { from: ['kernelswap'], to: ['kernelswap-generator', 'land', 'kernelswap'] },
    /** A link to the swap's directory. */
    swap: { from: ['kernelswap'], to: ['land', 'restore-units', 'release', 'kernelswap'] },
    /** Id of the boot that staged it, which restores nothing. */
    'boot-id': { from: ['kernelswap'], to: ['kernelswap-generator'] },
    /** PIDs up to here belong to the checkpoint. */
    'last-pid': { from: ['kernelswap'], to: ['land', 'kernelswap'] },
    /** Network interfaces to wait for, a line each. */
    links: { from: ['kernelswap'], to: ['land'] },
    /** Commands for ip(8): before the restore, and after it. */
    addresses: { from: ['kernelswap'], to: ['land'] },
    routes: { from: ['kernelswap'], to: ['release'] },
    /** Units to restore, a line each, and the drop-ins with which they restore themselves. */
    'units.list': { from: ['kernelswap'], to: ['kernelswap-generator', 'land', 'release'] },
    units: { from: ['kernelswap'], to: ['kernelswap-generator'] },
    /** Socket units that come before them, a line each. */
    sockets: { from: ['kernelswap'], to: ['land', 'kernelswap'] },
    /** The kernel before, a line each: kernel, initrd, command line. */
    back: { from: ['kernelswap'], to: ['back'] },
    /** What aims the boot loader again: a program, and its arguments, a line each. */
    fallback: { from: ['kernelswap'], to: ['land'] },
    /** Id of the boot that restores without having begun with it. */
    up: { from: ['kernelswap'], to: ['land', 'release'] },
    /** There where the landing may come before udev. */
    early: { from: ['kernelswap'], to: ['kernelswap-generator', 'land'] },
    /** There where `kernelswap resume` releases, not the landing. */
    hold: { from: ['kernelswap'], to: ['land'] },
    'gate.nft': { from: ['kernelswap'], to: ['land', 'kernelswap'] },
    /** Lines for `wake`, and for `mend`. */
    peers: { from: ['kernelswap'], to: ['release'] },
    mend: { from: ['kernelswap'], to: ['restore-units', 'kernelswap'] },
    /** There while a boot is to restore the checkpoint. */
    sealed: { from: ['kernelswap', 'release'], to: ['kernelswap-generator', 'back', 'kernelswap'] },
    /** Id of the boot that let the tasks go on; outweighs the seal. */
    released: { from: ['release'], to: ['kernelswap-generator', 'back', 'kernelswap'] },
  },
  /** A swap's directory. */
  swap: {
    /** A line each: Unix time, seconds since the boot, what. */
    'land.log': { from: ['land'], to: ['kernelswap'] },
    /** Checkpoints by unit. */
    workloads: { from: ['kernelswap'], to: ['land', 'restore-units', 'release'] },
  },
  checkpoint: {
    'main-pid': { from: ['kernelswap'], to: ['restore-unit', 'restore-units'] },
    /** Number of its session, where its root doesn't lead it. */
    session: { from: ['kernelswap'], to: ['restore-unit'] },
    'on-restore-failure': { from: ['kernelswap'], to: ['land'] },
    /** `PID running` or `PID stopped`: what each task was before the checkpoint. */
    tasks: { from: ['kernelswap'], to: ['release', 'kernelswap'] },
    /** Of every file that was sealed a line of cksum(1). */
    manifest: { from: ['kernelswap'], to: ['check-seal', 'kernelswap'] },
    /** What is wrong with the seal. */
    'seal.log': { from: ['check-seal'], to: ['kernelswap'] },
    images: { from: ['kernelswap', 'criu'], to: ['restore-unit', 'kernelswap'] },
    /** CRIU's options (criu(8), CONFIGURATION FILES). */
    'images/restore.conf': { from: ['kernelswap'], to: ['restore-unit'] },
    /** CRIU's log of the first attempt and of the second. */
    'images/restore.log': { from: ['restore-unit'], to: ['kernelswap'] },
    'images/restore-again.log': { from: ['restore-unit'], to: ['kernelswap'] },
    /** Files on tmpfs, the host's own and the unit's, with their extended attributes (setfattr(1), --restore). */
    'host.tar': { from: ['kernelswap'], to: ['restore-files'] },
    'host.xattrs': { from: ['kernelswap'], to: ['restore-files'] },
    'private.tar': { from: ['kernelswap'], to: ['restore-files'] },
    'private.xattrs': { from: ['kernelswap'], to: ['restore-files'] },
  },
  /** `paths.run`: how far the landing is, which `land` forgets first. Of the first three, a file for each unit. */
  run: {
    /** Its checkpoint is as it was sealed. */
    sound: { from: ['land'], to: ['land', 'restore-unit'] },
    /** CRIU has restored it; PID of the placeholder. */
    restored: { from: ['restore-unit', 'land'], to: ['restore-units'] },
    /** systemd has its main process. */
    landed: { from: ['restore-units'], to: ['land', 'release', 'kernelswap'] },
    /** All tasks go on and the gate is open. */
    released: { from: ['release', 'land'], to: ['kernelswap'] },
  },
  /** `paths.state`. */
  state: {
    pending: { from: ['kernelswap'], to: ['kernelswap-settle.service', 'kernelswap'] },
    'fleet-lock': { from: ['kernelswap'], to: ['kernelswap-settle.service', 'kernelswap'] },
  },
} as const satisfies Record<string, Record<string, Entry>>

export type CheckpointFile = keyof typeof layout.checkpoint

/** What a checkpoint has of files on tmpfs: NAME.tar and NAME.xattrs. */
export const tmpfsArchives = ['host', 'private'] as const

/** A file of the landing; `directory` is another's than this host's, such as a bundle's. */
export function landingFile(name: keyof typeof layout.landing, directory: string = paths.landing): string {
  return join(directory, name)
}

/** A file of a swap's directory, or something in it. */
export function swapFile(directory: string, name: keyof typeof layout.swap, ...below: string[]): string {
  return join(directory, name, ...below)
}

export function checkpointFile(checkpoint: string, name: CheckpointFile): string {
  return join(checkpoint, name)
}

/** What the landing notes of a unit, or of all. */
export function runFile(name: keyof typeof layout.run, unit = ''): string {
  return join(paths.run, name, unit)
}

export function stateFile(name: keyof typeof layout.state): string {
  return join(paths.state, name)
}

export function scriptFile(name: Script): string {
  return join(paths.library, name)
}
