import { expect, test } from 'vitest'
import { startClients } from '../../src/rehearsal/clients/index.ts'
import { machineUnits, runRemoteSwap } from '../../src/rehearsal/rehearse.ts'
import type { Report } from '../../src/report/report.ts'
import { expectUnharmed, withMachine } from './support.ts'

/** `npm run test:strict` asks for ten; the rehearsal of `npm test` is one strict swap already. */
const swaps = Number(process.env.KERNELSWAP_SWAPS ?? 0)
/** Longest time for one of them in software emulation, in milliseconds. */
const longest = 1_500_000

/**
 * Protects against false alarms: a report that cries wolf is soon ignored. The same processes go back and forth
 * between two kernels under load, and whatever differs with the tasks held stopped has its reason.
 */
test.runIf(swaps > 0)(
  'strict swaps in a row find nothing that they can’t explain',
  { timeout: swaps * longest },
  () =>
    withMachine('strict', async (machine) => {
      const { kernels } = machine.image
      const clients = await startClients(machine.address, machineUnits)
      for (let swap = 1; swap <= swaps; swap++) {
        const kernel = swap % 2 === 1 ? kernels['newest-stable'] : kernels['older-stable']
        const outcome = await runRemoteSwap(
          machine,
          ['--strict', '--kernel', kernel, ...machineUnits],
          () => {},
        )
        if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.plan)}`)
        const { report } = outcome
        process.stderr.write(`${summary(swap, report)}\n`)
        expect(report).toMatchObject({ verdict: 'swapped', reason: null, kernel: { running: kernel } })
        for (const { abi } of report.workloads) {
          expect(abi).toMatchObject({
            strict: true,
            differences: [],
            tolerated: [],
            facets: { differing: 0 },
          })
          expect(abi?.facets.equal).toBeGreaterThan(90)
        }
      }
      await expectUnharmed(clients)
    }),
)

function summary(swap: number, { verdict, workloads, snapshot, timeline }: Report): string {
  const counts = workloads.map(({ unit, abi }) => {
    const { equal = 0, explained = 0, differing = 0, unverified = 0 } = abi?.facets ?? {}
    const lines = abi?.differences.map(({ facet, line }) => `\n    ${facet}: ${line}`).join('') ?? ''
    return `\n  ${unit}: ${equal} equal, ${explained} explained, ${differing} differing, ${unverified} unverified${lines}`
  })
  const freeze = timeline.find(({ phase }) => phase === 'freeze')?.seconds ?? 0
  const cost = snapshot ? `, snapshot ${snapshot.seconds} s of ${freeze} s of freeze` : ''
  return `swap ${swap}: ${verdict}${cost}${counts.join('')}`
}
