import { setTimeout as sleep } from 'node:timers/promises'
import { inWords } from '../src/cli/event-text.ts'
import { Failure } from '../src/errors.ts'
import type { Machine } from '../src/rehearsal/machine.ts'
import { runRemoteSwap } from '../src/rehearsal/rehearse.ts'
import type { Report } from '../src/report/report.ts'
import { parseJournal } from '../src/swap/journal.ts'
import { holdConnection, seeReturn, type Wait } from './client.ts'
import { bootMoments, type Clocks, counterAt } from './clock.ts'
import {
  type Guest,
  inGuest,
  leaveBy,
  leaveNoted,
  loadKernel,
  nextBoot,
  readClocks,
  readLeft,
  readStillness,
  WITNESS,
} from './guest.ts'
import { coldMoments, phasesWithin, type Span, secondsOf, swapMoments } from './phases.ts'
import type { Outage, SwapFigure } from './results.ts'

/** Milliseconds of host time that clients talk before and after. */
const WARM_UP = 5000
/** Seconds for a report: a host that leaves the machine little makes a run longer, and no figure. */
const PATIENCE = 5 * 3600

/** The bare change of kernels: from `kexec -e` until PID 1's first userspace instruction, in the initrd. */
export async function measureFloor({ machine }: Guest, release: string): Promise<Outage> {
  const before = await readClocks(machine)
  await loadKernel(machine, release)
  // As in a swap, no interface is shut down (src/landing/static/leap).
  await leaveNoted(machine, 'kexec', '--exec', '--no-ifdown')
  const after = await nextBoot(machine, before.boot)
  const span = { from: await readLeft(machine), to: counterAt(after, 'log', after.init) }
  return outage(span, [{ name: 'kexec', at: span.from }, ...bootMoments(after)], before.hz)
}

/** kernelswap, as its clients see it, and as a carried program sees it. */
export async function measureSwap(
  { machine, units, ports }: Guest,
  release: string,
  say: (line: string) => void,
): Promise<SwapFigure> {
  const before = await readClocks(machine)
  const clients = await Promise.all(ports.map((port) => holdConnection(machine.address, port)))
  await sleep(WARM_UP)
  const report = await swapPatiently(machine, ['--kernel', release, ...units, WITNESS], say)
  if (report.verdict !== 'swapped')
    throw new Failure('failed', `The swap ended as ${report.verdict}: ${report.reason}`)
  const waits = await Promise.all(clients.map((client) => client.stop()))
  const after = await readClocks(machine)
  const directory = `/var/lib/kernelswap/swaps/${report.id}`
  const journal = parseJournal(await inGuest(machine, 'cat', `${directory}/journal.jsonl`), directory)
  const landLog = await inGuest(machine, 'cat', `${directory}/land.log`)
  return {
    client: outage(
      longestOf(waits, before, after),
      swapMoments({ journal, landLog, before, after }),
      before.hz,
    ),
    service: secondsOf(await readStillness(machine), before.hz),
  }
}

async function swapPatiently(
  machine: Machine,
  args: readonly string[],
  say: (line: string) => void,
): Promise<Report> {
  const outcome = await runRemoteSwap(machine, args, inWords(say), PATIENCE)
  if (outcome.kind === 'report') return outcome.report
  throw new Failure('failed', 'The swap was refused; `kernelswap plan` in the machine says why.')
}

/** There and back: how long the plan of the way back expects services to stand still, and how long they did. */
export async function measurePrediction(
  { machine, units }: Guest,
  kernels: readonly string[],
  say: (line: string) => void,
): Promise<{ predicted: number; seconds: number }> {
  let report: Report | undefined
  for (const kernel of kernels)
    report = await swapPatiently(machine, ['--kernel', kernel, ...units, WITNESS], say)
  const { seconds, predicted } = report?.outage ?? {}
  if (seconds === undefined || predicted === undefined || predicted === null)
    throw new Failure('failed', `The plan expected nothing, or nothing was swapped: ${report?.verdict}.`)
  return { predicted, seconds }
}

/** `systemctl kexec` into the kernel that a swap would jump into, until every service answers again. */
export async function measureKexec(guest: Guest, release: string): Promise<Outage> {
  await loadKernel(guest.machine, release)
  return measureCold(guest, 'kexec', 'shutdown, kexec')
}

/** `systemctl reboot` through firmware and boot loader, until every service answers again. */
export function measureReboot(guest: Guest): Promise<Outage> {
  return measureCold(guest, 'reboot', 'shutdown, firmware, boot loader')
}

async function measureCold({ machine, ports }: Guest, verb: string, leaving: string): Promise<Outage> {
  const before = await readClocks(machine)
  const clients = await Promise.all(ports.map((port) => seeReturn(machine.address, port)))
  await sleep(WARM_UP)
  await leaveBy(machine, 'systemctl', verb)
  // Nobody else asks the machine for anything until the services are back.
  const waits = await Promise.all(clients.map(({ wait }) => wait))
  const after = await nextBoot(machine, before.boot)
  if (after.counter < before.counter)
    throw new Failure('failed', "The time-stamp counter was reset: this accelerator can't tell.")
  const span = longestOf(waits, before, after)
  return outage(span, coldMoments(leaving, span.from, after), before.hz)
}

/** Of several clients the one counts that waited longest. */
function longestOf(waits: readonly Wait[], before: Clocks, after: Clocks): Span {
  const spans = waits.map(({ lastBefore, firstAfter }) => ({
    from: counterAt(before, 'real', lastBefore),
    to: counterAt(after, 'real', firstAfter),
  }))
  return spans.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a))
}

function outage(span: Span, moments: Parameters<typeof phasesWithin>[1], hz: number): Outage {
  return { seconds: secondsOf(span, hz), phases: phasesWithin(span, moments, hz) }
}
