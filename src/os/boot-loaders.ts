import type { BootEntry, BootLoader } from './boot-loader.ts'
import { grub } from './grub.ts'
import { systemdBoot } from './systemd-boot.ts'

/** Those that say that they have started the host come before those that lie on its disk. */
export const bootLoaders = [systemdBoot, grub] as const satisfies readonly BootLoader[]

export const bootLoaderNames = bootLoaders.map(({ name }) => name)
export type BootLoaderName = (typeof bootLoaderNames)[number]

/** The boot loader of this host, undefined where none of them is. */
export async function thisBootLoader(): Promise<(typeof bootLoaders)[number] | undefined> {
  for (const loader of bootLoaders) if (await loader.isHere()) return loader
  return undefined
}

export function bootLoaderNamed(name: BootLoaderName): BootLoader {
  return bootLoaders.find((loader) => loader.name === name)!
}

/** Options of a boot into a shell for repairs, where no landing would run (kernel-command-line(7)). */
const repair = /(^|\s)(single|s|S|1|emergency|rescue|recovery|systemd\.unit=\S+)(\s|$)/

/**
 * The entry that starts a kernel in an ordinary way on this system. One that names the release is preferred: another
 * means "the newest", whichever that is by then.
 */
export function entryFor(kernel: string, entries: readonly BootEntry[]): string | undefined {
  const fitting = entries.filter(
    ({ id, linux, options }) => startsKernel(kernel, linux) && !repair.test(options) && !isForeign(id),
  )
  return (fitting.find(({ id }) => id.includes(kernel)) ?? fitting[0])?.id
}

/**
 * True for the file of a kernel as a boot loader names it. Distributions name the file by the release; systemd's
 * kernel-install the directory, or a unified kernel image.
 */
export function startsKernel(kernel: string, linux: string): boolean {
  return linux
    .split('/')
    .some((part) => part === kernel || part === `vmlinuz-${kernel}` || part.endsWith(`-${kernel}.efi`))
}

/** Another installation on another disk may have a kernel of the same release (30_os-prober names its entries so). */
function isForeign(id: string): boolean {
  return id.split('>').some((part) => part.startsWith('osprober-'))
}
