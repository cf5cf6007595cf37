import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../errors.ts'
import { removeLanding } from '../../landing/landing.ts'
import { openGate } from '../../network/gate.ts'
import { daemonReload, showUnit, startUnits } from '../../tools/systemd.ts'
import { clearFallback } from '../fallback.ts'
import { preserved, restarted } from '../plan.ts'
import { checkpointDirectory, listSwaps, openSwap, type Swap } from '../store.ts'
import type { Outcome } from './verify.ts'

/**
 * Takes the landing away, so that every unit has its own settings again, the gate if it is still up, and the aim of the
 * next boot.
 */
export async function clearLanding(swap: Swap): Promise<void> {
  await removeLanding()
  // The generator finds nothing any more, and its drop-ins in /run go with the reload.
  await daemonReload()
  await openGate()
  // Where that fails, the machine's next boot brings the old kernel once more: no reason to stop here.
  await clearFallback(swap.plan).catch((error: unknown) =>
    swap.journal.append({ kind: 'error', message: messageOf(error) }),
  )
}

/** Starts what isn't back cold. */
export async function startCold(outcomes: readonly Outcome[]): Promise<Outcome[]> {
  return Promise.all(
    outcomes.map((outcome) => (outcome.outcome === 'preserved' ? outcome : startOneCold(outcome))),
  )
}

async function startOneCold(outcome: Outcome): Promise<Outcome> {
  try {
    await startUnits([outcome.unit])
    const { MainPID } = await showUnit(outcome.unit, ['MainPID'])
    return { ...outcome, outcome: 'cold', pid: Number(MainPID) }
  } catch (error) {
    return {
      ...outcome,
      outcome: 'lost',
      reason: `${outcome.reason}; starting it cold failed: ${messageOf(error)}`,
    }
  }
}

/** Starts the units that were stopped for the swap and whose boot doesn't start them. */
export async function startRestarted(swap: Swap): Promise<Outcome[]> {
  const units = restarted(swap.plan).map(({ unit }) => unit)
  return startCold(units.map((unit) => ({ unit, outcome: 'lost', pid: 0, reason: null })))
}

/** Removes a swap's checkpoints, which hold the memory of services; logs stay. */
export async function discardImages(swap: Swap): Promise<void> {
  for (const { unit } of preserved(swap.plan)) {
    const checkpoint = checkpointDirectory(swap, unit)
    const images = join(checkpoint, 'images')
    const names = await readdir(images).catch(() => [])
    await Promise.all(
      names.filter((name) => !name.endsWith('.log')).map((name) => rm(join(images, name), { force: true })),
    )
    for (const name of ['host.tar', 'host.xattrs', 'private.tar', 'private.xattrs']) {
      await rm(join(checkpoint, name), { force: true })
    }
  }
}

/** Swaps whose checkpoints are kept where they may still be of use: those that ended badly. */
const kept = 2

/** Removes the checkpoints of all but the latest swaps. */
export async function discardOldImages(): Promise<void> {
  for (const id of (await listSwaps()).slice(0, -kept)) await discardImages(await openSwap(id))
}
