import * as z from 'zod'
import type { Configuration } from '../../config/configuration.ts'
import { messageOf } from '../../errors.ts'
import { bootLoaderNamed, bootLoaderNames, entryFor, thisBootLoader } from '../../os/boot-loaders.ts'
import type { Obstacle } from '../../workload/obstacle.ts'

/** Where the machine's ordinary boot goes if the new kernel doesn't come up: to the kernel that runs now. */
export const fallbackSchema = z.object({
  loader: z.enum(bootLoaderNames),
  entry: z.string(),
  /** What somebody else had aimed the next boot at; put back afterwards. */
  before: z.string().optional(),
})
export type Fallback = z.infer<typeof fallbackSchema>

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
  try {
    const loader = await thisBootLoader()
    if (!loader)
      return noWayBack(`there is no boot loader that is known here (${bootLoaderNames.join(', ')})`)
    const entry = entryFor(kernel, await loader.entries())
    if (entry === undefined) return noWayBack(`${loader.name} has no entry for the running kernel ${kernel}`)
    const before = await loader.next()
    return {
      fallback: { loader: loader.name, entry, ...(before === undefined ? {} : { before }) },
      obstacles: [],
    }
  } catch (error) {
    return noWayBack(`the boot loader's entries cannot be read: ${messageOf(error)}`)
  }
}

function noWayBack(found: string): FallbackSearch {
  const remedy =
    'update-grub (or bootctl) mends the boot loader; fallback = "external" in the configuration says that something else is sure to start a good kernel'
  const reason = `no way back if the new kernel panics: ${found}`
  return { obstacles: [{ code: 'no-fallback', reason, remedy }] }
}

/** What a plan says of the way back; nothing where that is somebody else's work. */
interface Aim {
  readonly fallback?: Fallback | undefined
}

/**
 * Aims the next boot alone at the entry. GRUB, for one, reads file systems without replaying their journal: the emergency remount
 * before the jump brings the aim to where it looks.
 */
export async function aimFallback({ fallback }: Aim): Promise<void> {
  if (fallback) await bootLoaderNamed(fallback.loader).setNext(fallback.entry)
}

/** What the landing of a boot that has fallen back aims it again with. */
export function aimCommand({ fallback }: Aim): readonly string[] | undefined {
  return fallback && bootLoaderNamed(fallback.loader).aimCommand(fallback.entry)
}

/**
 * Takes the aim away, and puts back the one that was there before. Where the next boot isn't aimed at our entry, it was
 * never aimed, has been since, or somebody else has aimed it: all that stays. A boot loader that can't write to its disk
 * doesn't take it away itself.
 */
export async function clearFallback({ fallback }: Aim): Promise<void> {
  if (!fallback) return
  const loader = bootLoaderNamed(fallback.loader)
  if ((await loader.next()) === fallback.entry) await loader.setNext(fallback.before)
}
