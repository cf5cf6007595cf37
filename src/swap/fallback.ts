import * as z from 'zod'
import type { Configuration } from '../config/configuration.ts'
import { Failure, messageOf } from '../errors.ts'
import {
  type BootEntry,
  heedsNextEntry,
  isSystemdBoot,
  loaderInfo,
  nextGrubEntry,
  nextSystemdBootEntry,
  parseGrubMenu,
  readGrubMenu,
  setNextGrubEntry,
  setNextSystemdBootEntry,
  systemdBootEntries,
} from '../tools/boot-loader.ts'
import type { Obstacle } from '../workload/obstacle.ts'

/** Where the machine's ordinary boot goes if the new kernel doesn't come up: to the kernel that runs now. */
export const fallbackSchema = z.object({
  loader: z.enum(['grub', 'systemd-boot']),
  entry: z.string(),
  /** What somebody else had aimed the next boot at; put back afterwards. */
  before: z.string().optional(),
})
export type Fallback = z.infer<typeof fallbackSchema>

interface Loader {
  readonly next: () => Promise<string | undefined>
  /** Without an entry: what the loader starts by default. */
  readonly setNext: (entry: string | undefined) => Promise<void>
}

const loaders: Readonly<Record<Fallback['loader'], Loader>> = {
  grub: { next: nextGrubEntry, setNext: setNextGrubEntry },
  'systemd-boot': { next: nextSystemdBootEntry, setNext: setNextSystemdBootEntry },
}

/** What was found: where the next boot can be aimed, or what is in the way; neither where that is somebody else's work. */
export interface FallbackSearch {
  readonly fallback?: Fallback
  readonly obstacles: readonly Obstacle[]
}

/**
 * Finds the boot loader's entry for the running kernel. By default a boot loader starts the newest one, and that may be
 * the one that has just panicked: without an aim the machine would panic for ever. Reads only.
 */
export async function findFallback(
  kernel: string,
  setting: Configuration['fallback'],
): Promise<FallbackSearch> {
  if (setting === 'external') return { obstacles: [] }
  const loader = isSystemdBoot(await loaderInfo()) ? 'systemd-boot' : 'grub'
  try {
    const entry = entryFor(kernel, await entriesOf[loader]())
    if (entry === undefined) return refusal(`${loader} has no entry for the running kernel ${kernel}`)
    const before = await loaders[loader].next()
    return { fallback: { loader, entry, ...(before === undefined ? {} : { before }) }, obstacles: [] }
  } catch (error) {
    return refusal(`the boot loader's entries cannot be read: ${messageOf(error)}`)
  }
}

const entriesOf = { grub: grubEntries, 'systemd-boot': systemdBootEntries } as const

async function grubEntries(): Promise<BootEntry[]> {
  const menu = await readGrubMenu()
  if (menu === undefined) throw new Failure('refused', 'there is neither systemd-boot nor a menu of GRUB')
  if (!heedsNextEntry(menu)) throw new Failure('refused', "GRUB's menu pays no heed to grub-reboot")
  return parseGrubMenu(menu)
}

function refusal(found: string): FallbackSearch {
  const remedy =
    'update-grub (or bootctl) mends the boot loader; fallback = "external" in the configuration says that something else is sure to start a good kernel'
  const reason = `no way back if the new kernel panics: ${found}`
  return { obstacles: [{ code: 'no-fallback', reason, remedy }] }
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
 * True for the file of a kernel as a boot loader names it. Debian names the file by the release; systemd's kernel-install
 * the directory, or a unified kernel image.
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

/** What a plan says of the way back; nothing where that is somebody else's work. */
interface Aim {
  readonly fallback?: Fallback | undefined
}

/**
 * Aims the next boot alone at the entry. GRUB reads file systems without replaying their journal: the emergency remount
 * before the jump brings the aim to where it looks.
 */
export async function aimFallback({ fallback }: Aim): Promise<void> {
  if (fallback) await loaders[fallback.loader].setNext(fallback.entry)
}

/**
 * Takes the aim away, and puts back the one that was there before. Where the next boot isn't aimed at our entry, it was
 * never aimed, has been since, or somebody else has aimed it: all that stays. GRUB itself can't take it away where it
 * can't write, such as on LVM (grub-reboot warns of that).
 */
export async function clearFallback({ fallback }: Aim): Promise<void> {
  if (!fallback) return
  const { next, setNext } = loaders[fallback.loader]
  if ((await next()) === fallback.entry) await setNext(fallback.before)
}
