import { expect, test } from 'vitest'
import { inWords } from '../../src/cli/event-text.ts'
import { planText } from '../../src/cli/plan-text.ts'
import { Deadline } from '../../src/deadline.ts'
import { messageOf } from '../../src/errors.ts'
import { openWire, type Wire } from '../../src/rehearsal/clients/wire.ts'
import { installKernelswap } from '../../src/rehearsal/installation.ts'
import type { Machine } from '../../src/rehearsal/machine.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import type { SwapEvent } from '../../src/swap/event.ts'
import type { Plan } from '../../src/swap/plan.ts'
import { areAsked, isSample, type StockService, startStockMachine, stockServices } from './stock-services.ts'
import { expectNoneHeld, inFreshMachine, inMachine, inShell } from './support.ts'

const units = [...machineUnits, ...stockServices.map(({ unit }) => unit)]
const say = (line: string) => void process.stderr.write(`${line}\n`)

/**
 * Protects servers as Debian's packages install them: each comes back whole, and no peer of theirs notices; what can't be
 * carried is named, and restarted.
 */
test.runIf(areAsked)('stock services survive strict swaps, whole', { timeout: 14_400_000 }, () =>
  inFreshMachine(
    'services',
    (...place) => startStockMachine(...place, say),
    async (machine) => {
      await installKernelswap(machine)
      say(await inMachine(machine, 'kernelswap', 'adopt', '--all', '--now', '--yes'))
      const {
        'newest-stable': stable,
        'newest-backports': backports,
        'older-stable': older,
      } = machine.image.kernels
      const findings: string[] = []
      for (const to of isSample ? [stable] : [stable, backports, older]) {
        findings.push(...(await swapTo(machine, to)).map((finding) => `${to}: ${finding}`))
        await expectNoneHeld(machine)
      }
      // What is only half there shows as it is started again: listeners of systemd's, PID files, runtime directories.
      await inShell(machine, `systemctl restart ${units.join(' ')} && systemctl is-active ${units.join(' ')}`)
      // All at once: a swap takes long.
      expect(findings).toEqual([])
    },
  ),
)

/** Swaps under peers, and tells all that is other than it should be. */
async function swapTo(machine: Machine, kernel: string): Promise<string[]> {
  const carried = stockServices.filter(({ restarted }) => restarted === undefined)
  const talks = await Promise.all(
    carried.flatMap((service) => (service.talk ? [begin(machine, service)] : [])),
  )
  let plan: Plan | undefined
  const tell = (event: SwapEvent) => {
    if (event.kind === 'plan') {
      plan = event.plan
      for (const line of planText(event.plan)) say(line)
    } else inWords(say)(event)
  }
  const args = ['--strict', '--restart-refused', '--kernel', kernel, ...units]
  const outcome = await runRemoteSwap(machine, args, tell, 3600)
  if (outcome.kind === 'refused') throw new Error(planText(outcome.plan).join('\n'))
  const harmed = await Promise.all(talks.map(({ goOn }) => goOn()))
  return [
    ...findingsOf(outcome.report),
    ...(plan ? unexpected(plan) : ['no plan was seen']),
    ...harmed.flat(),
  ]
}

function findingsOf({ verdict, reason, workloads }: Report): string[] {
  return [
    ...workloads.flatMap(({ unit, abi }) =>
      (abi?.differences ?? []).map(({ facet, task, line }) => `${unit} ${facet} of ${task}: ${line}`),
    ),
    ...workloads.flatMap(({ unit, hooks }) =>
      hooks.flatMap((hook) => (hook.reason === null ? [] : [`${unit} ${hook.hook}: ${hook.reason}`])),
    ),
    ...workloads
      .filter(({ policy, outcome }) => outcome !== (policy === 'restart' ? 'cold' : 'preserved'))
      .map(({ unit, outcome, reason: why }) => `${unit} is ${outcome}: ${why}`),
    ...(verdict === 'swapped' ? [] : [`${verdict}: ${reason}`]),
  ]
}

/** What is refused, and why, is known of each. */
function unexpected({ workloads }: Plan): string[] {
  return workloads.flatMap(({ unit, notCarried = [] }) => {
    const codes = notCarried.map(({ code }) => code).join(' ')
    const expected = stockServices.find((service) => service.unit === unit)?.restarted ?? ''
    return codes === expected ? [] : [`${unit} is not carried for "${codes}" instead of "${expected}"`]
  })
}

/** Opens a connection, and has it answered once; `goOn` has it answered again, and tells what went wrong. */
async function begin(machine: Machine, { unit, talk }: StockService): Promise<{ goOn(): Promise<string[]> }> {
  const { port, greets, begins, say: words, hears, isBrief } = talk!
  const open = () => openWire(machine.address, port)
  let wire: Wire = await open()
  const take = (expected: RegExp) => (received: string) =>
    expected.test(received) ? { reply: unit, length: received.length } : null
  if (greets) await wire.exchange('', take(greets))
  if (begins) await wire.exchange(begins[0], take(begins[1]))
  const exchange = () => wire.exchange(words, take(hears))
  await new Deadline(answerSeconds).race(exchange())
  return {
    async goOn() {
      try {
        if (isBrief) wire = await open()
        await new Deadline(answerSeconds).race(exchange())
        return []
      } catch (error) {
        return [`the peer of ${unit}: ${messageOf(error)}`]
      } finally {
        wire.close()
      }
    },
  }
}

const answerSeconds = 120
