import { join } from 'node:path'
import type { Command } from 'commander'
import { paths } from '../paths.ts'
import type { JournalLine } from '../swap/journal.ts'
import { runningKernel } from '../swap/kernels.ts'
import { holderOf } from '../swap/lock.ts'
import { findPending } from '../swap/resume.ts'
import { damageOf, listSwaps, openSwap } from '../swap/store.ts'
import { findTrials } from '../swap/trials.ts'
import { bytesBelow } from '../tools/du.ts'
import { createOutput, table } from './output.ts'
import { requireRoot } from './root.ts'
import { Verb } from './verb.ts'

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
  return new Verb('status')
    .summary('tell what is going on')
    .option('--json', 'print one JSON document', false)
    .action(async (options: { json: boolean }) => {
      const output = createOutput(options.json)
      requireRoot()
      const holder = await holderOf()
      const pending = await findPending().catch((error: unknown) => output.say(damageOf(error)))
      const landed = pending?.decision.kind === 'settle' ? pending.swap.id : undefined
      const [ids, trials] = [await listSwaps(), await findTrials()]
      const sizes = await bytesBelow([...ids.map((id) => join(paths.swaps, id)), ...trials])
      const swaps = await Promise.all(ids.map((id, index) => statusOf(id, id === landed, sizes[index]!)))
      const sum = (numbers: readonly number[]) => numbers.reduce((total, bytes) => total + bytes, 0)
      const document = {
        schema: 'kernelswap.status/1',
        kernel: runningKernel(),
        busy: holder ?? null,
        bytes: sum(sizes),
        trialBytes: sum(sizes.slice(ids.length)),
        swaps,
      }
      output.result(document, statusText(document))
    })
}

async function statusOf(id: string, hasLanded: boolean, bytes: number): Promise<SwapStatus> {
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
  trialBytes: number
  swaps: SwapStatus[]
}): string[] {
  const rows = status.swaps.map(({ id, from, to, state, bytes }) => [id, from, to, mebibytes(bytes), state])
  return [
    `running kernel ${status.kernel}`,
    status.busy === null ? 'no kernelswap is at work' : `kernelswap is at work as PID ${status.busy}`,
    `${paths.state} holds ${mebibytes(status.bytes)}`,
    ...(status.trialBytes > 0
      ? [
          `${mebibytes(status.trialBytes)} of it are trial checkpoints: under way, or left for the next plan to remove`,
        ]
      : []),
    ...(rows.length === 0
      ? ['no swap yet']
      : ['', ...table([['SWAP', 'FROM', 'TO', 'SIZE', 'STATE'], ...rows])]),
  ]
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
