import { attempt } from '../host/local.ts'
import { settleUnit } from '../landing/landing.ts'
import { signalUnits } from '../tools/systemd.ts'
import { readEvent, type Tell } from './event.ts'
import type { Swap } from './store.ts'

/** The unit of a swap before its jump. */
export const swapUnit = 'kernelswap-swap.service'

/**
 * Undoing has so long behind a swap's end, in seconds; then the settle unit goes on with it. One step that gets stuck is
 * given up before (swap.ts).
 */
const undoSeconds = 120

/**
 * Runs a swap in a unit of its own, so that it outlives the terminal that asked for it, and so that systemd takes it
 * back (`kernelswap resume`) whatever ends it. Returns when it has ended: it was aborted, or refused to jump.
 */
export async function runInUnit(swap: Swap, tell: Tell): Promise<void> {
  const self = [process.execPath, process.argv[1]!]
  // systemd-run's own arguments end at `--`; the swap's id is digits.
  await attempt(
    'systemd-run',
    [
      ...[`--unit=${swapUnit}`, '--quiet', '--collect', '--pipe', '--wait', '--service-type=exec'],
      `--property=ExecStopPost=${self.join(' ')} resume --if-any`,
      ...[`--property=TimeoutStopSec=${undoSeconds}`, `--property=OnFailure=${settleUnit}`],
      // Whoever reads its output may be gone: that must not end it.
      '--property=IgnoreSIGPIPE=yes',
      ...failpoint(),
      ...['--', ...self, 'execute', swap.id],
    ],
    {
      onStdoutLine: (line) => tell(readEvent(line)),
      onStderrLine: (text) => tell({ kind: 'message', text }),
      ownSession: true,
    },
  )
}

/** Asks the swap to stop between two steps. */
export async function stopUnit(): Promise<void> {
  // It may have ended meanwhile.
  await signalUnits([swapUnit], 'SIGINT', 'main').catch(() => {})
}

/** Tests of failures name a journal entry at which the swap dies (journal.ts). */
function failpoint(): string[] {
  const value = process.env.KERNELSWAP_FAILPOINT
  return value === undefined ? [] : [`--setenv=KERNELSWAP_FAILPOINT=${value}`]
}
