import { Command } from 'commander'
import { paths } from '../paths.ts'
import { runningKernel } from '../swap/kernels.ts'
import { holderOf } from '../swap/lock.ts'
import { listSwaps, openSwap, stateBytes } from '../swap/store.ts'
import { createOutput, table } from './output.ts'
import { requireRoot } from './root.ts'

interface SwapStatus {
  readonly id: string
  readonly from: string
  readonly to: string
  /** Its verdict, or the step it is at. */
  readonly state: string
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
      const swaps = await Promise.all((await listSwaps()).map(statusOf))
      const document = {
        schema: 'kernelswap.status/1',
        kernel: runningKernel(),
        busy: holder ?? null,
        bytes: await stateBytes(),
        swaps,
      }
      output.result(document, statusText(document))
    })
}

async function statusOf(id: string): Promise<SwapStatus> {
  const { plan, journal } = await openSwap(id)
  const last = (await journal.read()).at(-1)
  const state =
    last?.kind === 'verdict'
      ? last.verdict
      : last?.kind === 'step'
        ? `at ${last.phase}: ${last.step}`
        : 'begun'
  return { id, from: plan.kernel.from, to: plan.kernel.to, state }
}

function statusText(status: {
  kernel: string
  busy: number | null
  bytes: number
  swaps: SwapStatus[]
}): string {
  const rows = status.swaps.map(({ id, from, to, state }) => [id, from, to, state])
  return [
    `running kernel ${status.kernel}`,
    status.busy === null ? 'no kernelswap is at work' : `kernelswap is at work as PID ${status.busy}`,
    `${paths.state} holds ${(status.bytes / 1024 / 1024).toFixed(1)} MiB`,
    ...(rows.length === 0 ? ['no swap yet'] : ['', table([['SWAP', 'FROM', 'TO', 'STATE'], ...rows])]),
  ].join('\n')
}
