import { Command } from 'commander'
import { Failure } from '../errors.ts'
import { tellPhase } from '../swap/announce/messages.ts'
import { restoreNow } from '../swap/bundle/restore.ts'
import { withLock } from '../swap/lock.ts'
import { notedPending, openSwap, type Swap } from '../swap/store.ts'
import { runSwap } from '../swap/swap.ts'
import { createOutput } from './output.ts'
import { requireRoot } from './root.ts'

/** `kernelswap execute`: what `run` and `bundle restore` start in a unit of its own. Not for people. */
export function executeCommand(): Command {
  return new Command('execute').argument('<id>').action(async (id: string) => {
    const output = createOutput({ events: true })
    requireRoot()
    const swap = await openSwap(id)
    await refuseUnlessNew(swap)
    if (swap.plan.bundle) return restoreNow(swap)
    const began = performance.now()
    await withLock(async () => {
      const tellOnce = phaseTeller(id)
      await runSwap(
        swap,
        (event) => {
          if (event.kind !== 'step') return output.tell(event)
          output.tell({ ...event, seconds: (performance.now() - began) / 1000 })
          tellOnce(event.phase)
        },
        stopOnSignal(output.say),
      )
    })
    process.exitCode = 1
  })
}

/** A plan holds for the moment that it was made in: one that has been carried out, or given up, is nobody's wish any more. */
async function refuseUnlessNew({ id, journal }: Swap): Promise<void> {
  const isNew = (await journal.read()).length === 0 && (await notedPending()) === id
  if (!isNew)
    throw new Failure('refused', `Swap ${id} is over, or under way; \`kernelswap run\` begins another one.`)
}

/** Tells the journal of each phase as it begins. Nobody waits for it: while services stand still, every moment counts. */
function phaseTeller(id: string): (phase: string) => void {
  let told = ''
  return (phase) => {
    if (phase === told) return
    told = phase
    tellPhase(id, phase).catch(() => {})
  }
}

/** SIGINT and SIGTERM abort between two steps. */
function stopOnSignal(say: (line: string) => void): () => boolean {
  let requested = false
  const request = () => {
    requested = true
    say('stopping after this step')
  }
  process.on('SIGINT', request)
  process.on('SIGTERM', request)
  return () => requested
}
