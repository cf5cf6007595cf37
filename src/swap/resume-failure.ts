import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { writeDurably } from '../durable.ts'
import { Failure, failureKinds, ifMissing, messageOf } from '../errors.ts'
import { settleUnit } from '../landing/landing.ts'
import { paths } from '../paths.ts'
import { showUnit } from '../tools/systemd.ts'

/** Why a swap has no verdict, and gets none unless somebody sees to it. */
export const resumeFailureSchema = z.object({ kind: z.enum(failureKinds), message: z.string() })
export type ResumeFailure = z.infer<typeof resumeFailureSchema>

/** Of this boot: another one tries anew. */
const note = join(paths.run, 'resume-failure.json')

/** Does what `kernelswap resume` does; `status` tells afterwards what kept it from that. */
export async function notingFailure<T>(act: () => Promise<T>): Promise<T> {
  await rm(note, { force: true })
  try {
    return await act()
  } catch (error) {
    const kind = error instanceof Failure ? error.kind : 'failed'
    // What it failed for matters more.
    await write({ kind, message: messageOf(error) }).catch(() => {})
    throw error
  }
}

async function write(failure: ResumeFailure): Promise<void> {
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  await writeDurably(note, JSON.stringify(failure))
}

/** Why the settle unit has given up; undefined while it is at work, tries again, or is done. */
export async function resumeFailure(): Promise<ResumeFailure | undefined> {
  const { ActiveState } = await showUnit(settleUnit, ['ActiveState'])
  if (ActiveState !== 'failed') return undefined
  const noted = await readFile(note, 'utf8').catch(ifMissing(undefined))
  if (noted !== undefined) return resumeFailureSchema.parse(JSON.parse(noted))
  return { kind: 'failed', message: `${settleUnit} failed; \`systemctl status ${settleUnit}\` tells why.` }
}
