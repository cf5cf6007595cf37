import { readFile } from 'node:fs/promises'
import type { AbiResult } from '../../abi/diff.ts'
import { ifMissing } from '../../errors.ts'
import type { HookResult } from '../../hooks/types.ts'
import { swapFile } from '../../layout.ts'
import { runningKernel } from '../../os/kernel-release.ts'
import { outageSeconds } from '../../report/outage.ts'
import type { Report } from '../../report/report.ts'
import { imagesOf } from '../../workload/images.ts'
import type { JournalLine, Verdict } from '../journal.ts'
import type { WorkloadOutcome } from '../phases/verify.ts'
import type { Plan, WorkloadPlan } from '../plan.ts'
import { checkpointDirectory, type Swap } from '../store.ts'
import { frozenSteps, rounded, timedSteps, timeline } from './timeline.ts'

interface Ending {
  readonly verdict: Verdict
  readonly reason: string | null
  /** Where it isn't given, everything runs on as it was. */
  readonly outcomes?: readonly WorkloadOutcome[]
}

/** Puts a swap's report together. */
export async function finalReport(swap: Swap, ending: Ending): Promise<Report> {
  const { plan } = swap
  const lines = await swap.journal.read()
  const landLog = await readFile(swapFile(swap.directory, 'land.log'), 'utf8').catch(ifMissing(''))
  const now = Date.now() / 1000
  const stretches = timeline(lines, landLog, now)
  const spans = await Promise.all(plan.workloads.map(({ unit }) => spansOf(swap, unit, lines)))
  const outcomes = new Map(ending.outcomes?.map((outcome) => [outcome.unit, outcome]))
  return {
    schema: 'kernelswap.report/1',
    id: swap.id,
    verdict: ending.verdict,
    reason: ending.reason,
    kernel: { ...plan.kernel, running: runningKernel() },
    workloads: plan.workloads.map(({ unit, policy, mainPid }, index) => {
      const found = outcomes.get(unit) ?? untouched(policy, mainPid, lines, ending)
      return {
        unit,
        policy,
        outcome: found.outcome,
        pid: { before: mainPid, after: found.pid },
        reason: found.reason ?? null,
        abi: found.abi ? summary(found.abi) : null,
        hooks: (found.hooks ?? []).map(hookSummary),
        ...spans[index],
      }
    }),
    freeze: frozenSteps(lines),
    timeline: stretches,
    steps: timedSteps(lines, landLog, now),
    outage: outageOf(stretches, plan),
  }
}

/** When CRIU dumped and restored a workload. What a clock that was set back, or a copy of the log, tells is left out. */
async function spansOf(
  swap: Swap,
  unit: string,
  lines: readonly JournalLine[],
): Promise<Pick<Report['workloads'][number], 'dump' | 'restore'>> {
  const began = lines[0]?.time
  if (began === undefined) return {}
  const images = imagesOf(checkpointDirectory(swap, unit))
  const span = async (of: 'dump' | 'restore') => {
    const times = await images.times(of)
    const isSound = times && times.began >= began && times.ended >= times.began
    return isSound
      ? { [of]: { from: rounded(times.began - began), seconds: rounded(times.ended - times.began) } }
      : {}
  }
  return { ...(await span('dump')), ...(await span('restore')) }
}

type Found = Pick<Report['workloads'][number], 'outcome'> &
  Omit<Partial<WorkloadOutcome>, 'outcome'> & { pid: number }

/** A workload that nobody looked at afterwards: not one of those that were carried, or the swap was taken back. */
function untouched(
  policy: WorkloadPlan['policy'],
  mainPid: number,
  lines: readonly JournalLine[],
  { outcomes }: Ending,
): Found {
  if (policy === 'ignore') return { outcome: 'ignored', pid: outcomes ? 0 : mainPid }
  const wasStopped =
    policy === 'restart' && lines.some((line) => line.kind === 'step' && line.step === 'stop-restarted')
  return wasStopped ? { outcome: 'cold', pid: 0 } : { outcome: 'preserved', pid: mainPid }
}

function outageOf(stretches: Report['timeline'], { outage }: Plan): Report['outage'] {
  const seconds = Math.round(outageSeconds({ timeline: stretches }) * 10) / 10
  return seconds === 0 ? null : { seconds, predicted: outage?.seconds ?? null }
}

/** Vetoes are for \`check\`: no report holds one. */
function hookSummary({
  hook,
  outcome,
  reason,
  findings,
  stderr,
}: HookResult): Report['workloads'][number]['hooks'][number] {
  return {
    hook,
    outcome: outcome === 'veto' ? 'broken' : outcome,
    reason: reason ?? null,
    findings: [...findings],
    ...(stderr ? { output: stderr } : {}),
  }
}

function summary({
  strict,
  facets,
  differences,
  tolerated,
  explained,
  unverified,
  equal = [],
}: AbiResult): NonNullable<Report['workloads'][number]['abi']> {
  return {
    strict,
    facets,
    differences: [...differences],
    tolerated: [...tolerated],
    explained: [...explained],
    unverified: [...unverified],
    equal: [...equal],
  }
}
