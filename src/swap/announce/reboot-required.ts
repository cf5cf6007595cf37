import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writeDurably } from '../../durable.ts'
import { ifMissing } from '../../errors.ts'
import { thisDistribution } from '../../os/distributions.ts'
import { paths } from '../../paths.ts'
import type { Verdict } from '../journal.ts'

/** Debian's note that a reboot is wanted, and the packages that want it, a line each (update-notifier, unattended-upgrades). */
const requestSchema = z.object({ flag: z.string().nullable(), packages: z.array(z.string()) })
export type RebootRequest = z.infer<typeof requestSchema>

/** Reads the note; without a flag nobody wants a reboot. */
export async function readRebootRequest(file: string = paths.rebootRequired): Promise<RebootRequest> {
  const flag = await readFile(file, 'utf8').catch(ifMissing(null))
  const text = await readFile(`${file}.pkgs`, 'utf8').catch(ifMissing(''))
  return { flag, packages: [...new Set(text.split('\n').filter((line) => line !== ''))] }
}

/** Keeps the note in the swap's directory: it lies on a tmpfs, and the jump would forget what else than kernels asked. */
export async function keepRebootRequest(directory: string, file?: string): Promise<void> {
  await writeDurably(join(directory, 'reboot-required.json'), JSON.stringify(await readRebootRequest(file)))
}

/**
 * Puts back what a swap leaves to ask for: everything but kernels after `swapped`, everything after any other verdict.
 * Doesn't touch what the new boot has noted meanwhile, nor anything after `aborted`: that is still the same boot.
 */
export async function restoreRebootRequest(
  directory: string,
  verdict: Verdict,
  file: string = paths.rebootRequired,
): Promise<void> {
  const text = await readFile(join(directory, 'reboot-required.json'), 'utf8').catch(ifMissing(undefined))
  if (text === undefined || verdict === 'aborted') return
  const kept = requestSchema.parse(JSON.parse(text))
  const left = verdict === 'swapped' ? withoutKernels(kept) : kept
  if (left.flag === null) return
  const now = await readRebootRequest(file)
  if (now.flag === null) await write(file, left.flag)
  const packages = [...new Set([...now.packages, ...left.packages])]
  if (packages.length > 0) await write(`${file}.pkgs`, `${packages.join('\n')}\n`)
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await chmod(file, 0o644)
}

/** What remains to ask for once the kernel is new; a request without a reason stays, since nobody knows why it was made. */
export function withoutKernels({ flag, packages }: RebootRequest): RebootRequest {
  const distribution = thisDistribution()
  const others = packages.filter((name) => !distribution.isKernelPackage(name))
  return packages.length > 0 && others.length === 0
    ? { flag: null, packages: [] }
    : { flag, packages: others }
}
