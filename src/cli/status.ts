import { join } from 'node:path'
import type { Command } from 'commander'
import { runningKernel } from '../os/kernel-release.ts'
import { paths } from '../paths.ts'
import type { JournalLine } from '../swap/journal.ts'
import { holderOf } from '../swap/lock.ts'
import type { Status, SwapStatus } from '../swap/report/status.ts'
import { findPending } from '../swap/resume.ts'
import { resumeFailure } from '../swap/resume-failure.ts'
import { damageOf, listSwaps, openSwap } from '../swap/store.ts'
import { findTrials } from '../swap/trials.ts'
import { bytesBelow } from '../tools/du.ts'
import { createOutput, sizeText, table } from './output.ts'
import { requireRoot } from './root.ts'
import { Verb } from './verb.ts'

/** `kernelswap status`: what is going on. */
export function statusCommand(): Command {
  return new Verb('status')
    .summary('tell what is going on')
    .option('--json', 'print one JSON document', false)
    .action(async (options: { json: boolean }) => {
      const output = createOutput(options)
      requireRoot()
      const holder = await holderOf()
      const pending = await findPending().catch((error: unknown) => output.say(damageOf(error)))
      const landed = pending?.decision.kind === 'settle' ? pending.swap.id : undefined
      const [ids, trials] = [await listSwaps(), await findTrials()]
      const sizes = await bytesBelow([...ids.map((id) => join(paths.swaps, id)), ...trials])
      const swaps = await Promise.all(ids.map((id, index) => statusOf(id, id === landed, sizes[index]!)))
      const sum = (numbers: readonly number[]) => numbers.reduce((total, bytes) => total + bytes, 0)
      const document: Status = {
        schema: 'kernelswap.status/1',
        kernel: runningKernel(),
        busy: holder ?? null,
        bytes: sum(sizes),
        trialBytes: sum(sizes.slice(ids.length)),
        failure: landed === undefined ? null : ((await resumeFailure()) ?? null),
        swaps,
      }
      output.result(document, statusText(document))
    })
}

async function statusOf(id: string, landed: boolean, bytes: number): Promise<SwapStatus> {
  try {
    const { plan, journal } = await openSwap(id)
    const last = (await journal.read()).at(-1)
    const state = landed ? 'landed; `kernelswap resume` finishes it' : stateOf(last)
    const step = last?.kind === 'step' ? { phase: last.phase, step: last.step } : null
    const verdict = last?.kind === 'verdict' ? last.verdict : null
    return { id, from: plan.kernel.from, to: plan.kernel.to, state, step, landed, verdict, bytes }
  } catch (error) {
    return { id, from: '?', to: '?', state: damageOf(error), step: null, landed, verdict: null, bytes }
  }
}

function stateOf(last: JournalLine | undefined): string {
  if (last?.kind === 'verdict') return last.verdict
  return last?.kind === 'step' ? `at ${last.phase}: ${last.step}` : 'begun'
}

function statusText(status: Status): string[] {
  const rows = status.swaps.map(({ id, from, to, state, bytes }) => [id, from, to, sizeText(bytes), state])
  return [
    `running kernel ${status.kernel}`,
    status.busy === null ? 'no kernelswap is at work' : `kernelswap is at work as PID ${status.busy}`,
    `${paths.state} holds ${sizeText(status.bytes)}`,
    ...(status.trialBytes > 0
      ? [
          `${sizeText(status.trialBytes)} of it are trial checkpoints: under way, or left for the next plan to remove`,
        ]
      : []),
    ...(status.failure ? [`a swap waits: ${status.failure.message}`] : []),
    ...(rows.length === 0
      ? ['no swap yet']
      : ['', ...table([['SWAP', 'FROM', 'TO', 'SIZE', 'STATE'], ...rows])]),
  ]
}
