import { join } from 'node:path'
import { type Background, startBackground } from '../host/local.ts'
import type { Accelerator } from './accelerator.ts'
import { TAP } from './sandbox.ts'

export interface QemuOptions {
  readonly accelerator: Accelerator
  /** The overlay that this machine writes to. */
  readonly disk: string
  /** Goes on from this snapshot of the overlay instead of booting. */
  readonly loadSnapshot?: string
  /** Gets console.log (the machine's serial console) and qemu.log (what QEMU itself complains about). */
  readonly directory: string
}

const MAC_ADDRESS = '52:54:00:99:00:02'
const MEMORY_MIB = 2048

/** Starts QEMU with its control channel on its standard streams. @throws ProgramError if it can't be started. */
export function startQemu(options: QemuOptions): Promise<Background> {
  return startBackground('qemu-system-x86_64', qemuArguments(options), {
    stderrFile: join(options.directory, 'qemu.log'),
  })
}

/**
 * The machine: two processors, a virtio disk and network card, a serial console, a watchdog that cuts the power.
 * Its own GRUB chooses the kernel, after a power cut as on a real host.
 * A snapshot can only be loaded by the same machine, so nothing here may depend on the run.
 */
export function qemuArguments(options: QemuOptions): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', 'q35', '-smp', processors(options.accelerator), '-m', String(MEMORY_MIB)],
    ...acceleration(options.accelerator),
    // The disk lives no longer than the machine: nobody needs its writes to reach ours.
    ...['-drive', `id=disk,if=none,format=qcow2,cache=unsafe,discard=unmap,file=${escaped(options.disk)}`],
    ...['-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
    ...['-netdev', `tap,id=net,ifname=${TAP},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=net,mac=${MAC_ADDRESS},romfile=`],
    ...['-device', 'virtio-rng-pci'],
    ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
    ...['-chardev', `file,id=console,append=on,path=${escaped(join(options.directory, 'console.log'))}`],
    ...['-serial', 'chardev:console', '-qmp', 'stdio'],
    ...(options.loadSnapshot === undefined ? [] : ['-loadvm', options.loadSnapshot]),
  ]
}

/** Two show what one hides, such as lost CPU affinities; instructions counted on several would add up. */
function processors(accelerator: Accelerator): string {
  return accelerator === 'icount' ? '1' : '2'
}

function acceleration(accelerator: Accelerator): string[] {
  if (accelerator === 'kvm') return ['-accel', 'kvm', '-cpu', 'host']
  // With thread=multi guests crashed now and then: code patching races with its execution.
  const emulated = ['-accel', 'tcg,thread=single', '-cpu', 'max']
  return accelerator === 'tcg' ? emulated : [...emulated, '-icount', 'shift=1', '-rtc', 'clock=vm']
}

/** QEMU splits options at commas; a doubled one stands for itself. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,')
}
