import { Command } from 'commander'
import { paths } from '../paths.ts'
import type { JournalLine } from '../swap/journal.ts'
import { runningKernel } from '../swap/kernels.ts'
import { holderOf } from '../swap/lock.ts'
import { findPending } from '../swap/resume.ts'
import { bytesOf, damageOf, listSwaps, openSwap } from '../swap/store.ts'
import { createOutput, table } from './output.ts'
import { requireRoot } from './root.ts'

interface SwapStatus {
  readonly id: string
  readonly from: string
  readonly to: string
  /** Its verdict, the step it is at, or which file is damaged. */
  readonly state: string
  /** On disk: the checkpoint holds the memory of services. */
  readonly bytes: number
}

/** `kernelswap status`: what is going on. */
export function statusCommand(): Command {
  return new Command('status')
    .summary('tell what is going on')
    .option('--json', 'print one JSON document', false)
    .action(async (options: { json: boolean }) => {
      const output = createOutput(options.json)
      requireRoot()
      const holder = await holderOf()
      const pending = await findPending().catch((error: unknown) => output.say(damageOf(error)))
      const landed = pending?.decision.kind === 'settle' ? pending.swap.id : undefined
      const swaps = await Promise.all((await listSwaps()).map((id) => statusOf(id, id === landed)))
      const document = {
        schema: 'kernelswap.status/1',
        kernel: runningKernel(),
        busy: holder ?? null,
        bytes: swaps.reduce((sum, { bytes }) => sum + bytes, 0),
        swaps,
      }
      output.result(document, statusText(document))
    })
}

async function statusOf(id: string, hasLanded: boolean): Promise<SwapStatus> {
  const bytes = await bytesOf(id)
  try {
    const { plan, journal } = await openSwap(id)
    const lines = await journal.read()
    const state = hasLanded ? 'landed; `kernelswap resume` finishes it' : stateOf(lines.at(-1))
    return { id, from: plan.kernel.from, to: plan.kernel.to, state, bytes }
  } catch (error) {
    return { id, from: '?', to: '?', state: damageOf(error), bytes }
  }
}

function stateOf(last: JournalLine | undefined): string {
  if (last?.kind === 'verdict') return last.verdict
  return last?.kind === 'step' ? `at ${last.phase}: ${last.step}` : 'begun'
}

function statusText(status: {
  kernel: string
  busy: number | null
  bytes: number
  swaps: SwapStatus[]
}): string[] {
  const rows = status.swaps.map(({ id, from, to, state, bytes }) => [id, from, to, mebibytes(bytes), state])
  return [
    `running kernel ${status.kernel}`,
    status.busy === null ? 'no kernelswap is at work' : `kernelswap is at work as PID ${status.busy}`,
    `${paths.state} holds ${mebibytes(status.bytes)}`,
    ...(rows.length === 0
      ? ['no swap yet']
      : ['', ...table([['SWAP', 'FROM', 'TO', 'SIZE', 'STATE'], ...rows])]),
  ]
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
