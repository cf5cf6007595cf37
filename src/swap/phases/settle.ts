import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ifMissing, messageOf } from '../../errors.ts'
import { removeLanding } from '../../landing/landing.ts'
import { checkpointFile, swapFile, tmpfsArchives } from '../../layout.ts'
import { openGate } from '../../network/gate.ts'
import { paths } from '../../paths.ts'
import { daemonReload, startUnitsLater } from '../../tools/systemd.ts'
import { startedAlways } from '../../workload/ending.ts'
import { imagesOf } from '../../workload/images.ts'
import { startWorkloads, supervisionOf } from '../../workload/kinds.ts'
import { clearFallback } from '../host/fallback.ts'
import { restoreHostSettings } from '../host/host-settings.ts'
import { restarted, unitsOf } from '../plan.ts'
import { listSwaps, type Swap } from '../store.ts'
import type { WorkloadOutcome } from './verify.ts'

/**
 * Takes the landing away, so that units, host and boot loader have their own settings again, and the gate if it is still
 * up.
 */
export async function clearLanding(swap: Swap): Promise<void> {
  await removeLanding()
  // The generator finds nothing any more, and its drop-ins in /run go with the reload.
  await daemonReload()
  await openGate()
  await orNote(swap, restoreHostSettings(swap))
  await orNote(swap, clearFallback(swap.plan))
}

/** What the host should have back but may do without: no reason to keep services from their verdict. */
async function orNote(swap: Swap, act: Promise<void>): Promise<void> {
  await act.catch((error: unknown) => swap.journal.append({ kind: 'error', message: messageOf(error) }))
}

/** Starts what isn't back cold. */
export async function startCold(outcomes: readonly WorkloadOutcome[]): Promise<WorkloadOutcome[]> {
  const units = outcomes.filter(({ outcome }) => outcome !== 'preserved').map(({ unit }) => unit)
  const failures = await failuresToStart(units)
  const started = units.filter((unit) => !failures.has(unit))
  const now = await supervisionOf(started)
  const pids = new Map(started.map((unit, index) => [unit, now[index]!.mainPid]))
  return outcomes.map((outcome): WorkloadOutcome => {
    if (outcome.outcome === 'preserved') return outcome
    const pid = pids.get(outcome.unit)
    if (pid !== undefined) return { ...outcome, outcome: 'cold', pid }
    const reason = `${outcome.reason}; starting it cold failed: ${failures.get(outcome.unit)}`
    return { ...outcome, outcome: 'lost', reason }
  })
}

/** Why workloads could not be started, by unit. Only where they can't be all at once, each is tried by itself. */
async function failuresToStart(units: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const failures = new Map<string, string>()
  const together = await startWorkloads(units).then(
    () => true,
    () => false,
  )
  if (together) return failures
  const tries = units.map((unit) =>
    startWorkloads([unit]).catch((error: unknown) => failures.set(unit, messageOf(error))),
  )
  await Promise.all(tries)
  return failures
}

/** Starts what was stopped for the swap and its boot doesn't start. What nobody asked to restart isn't waited for. */
export async function startRestarted(swap: Swap): Promise<WorkloadOutcome[]> {
  await orNote(swap, startUnitsLater(startedAlways(swap.plan.endings ?? [])))
  return startCold(
    unitsOf(restarted(swap.plan)).map((unit) => ({ unit, outcome: 'lost', pid: 0, reason: null })),
  )
}

/** Removes a swap's checkpoints, which hold the memory of services; logs stay. */
export async function discardImages(directory: string): Promise<void> {
  const workloads = swapFile(directory, 'workloads')
  for (const unit of await readdir(workloads).catch(ifMissing<string[]>([]))) {
    const checkpoint = join(workloads, unit)
    await imagesOf(checkpoint).discard()
    for (const name of tmpfsArchives) {
      await rm(checkpointFile(checkpoint, `${name}.tar`), { force: true })
      await rm(checkpointFile(checkpoint, `${name}.xattrs`), { force: true })
    }
  }
}

/**
 * Removes the checkpoints of all swaps before this one but the latest, with CRIU's logs, snapshots and what hooks said:
 * those that ended badly may still be of use. Plan, journal and report of every swap stay.
 */
export async function discardOldCheckpoints({ id, plan }: Swap): Promise<void> {
  const others = (await listSwaps()).filter((other) => other !== id)
  const old = others.slice(0, Math.max(0, others.length - plan.keep))
  for (const other of old) {
    for (const part of ['workloads', 'hooks'])
      await rm(join(paths.swaps, other, part), { recursive: true, force: true })
  }
}
