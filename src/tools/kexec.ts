import { run } from '../host/local.ts'

export interface KernelImage {
  readonly kernel: string
  readonly initrd: string
  readonly commandLine: string
}

/**
 * Loads a kernel for the jump.
 *
 * Uses the kexec_load system call, and the file call where the kernel is locked down and wants signatures. -i leaves
 * out purgatory's checksum of the new kernel: a third of the time between two kernels (kexec(8), --no-checks).
 */
export async function load(image: KernelImage, lockedDown: boolean): Promise<void> {
  const call = lockedDown ? ['--kexec-file-syscall'] : ['--kexec-syscall', '--no-checks']
  await run('kexec', [
    '--load',
    image.kernel,
    `--initrd=${image.initrd}`,
    `--append=${image.commandLine}`,
    ...call,
  ])
}

export async function unload(): Promise<void> {
  await run('kexec', ['--unload'])
}
